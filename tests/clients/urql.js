// @urql/core with its fetch and subscription exchanges.
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core'
import { authorization, http } from './server.js'
import { tell } from './journey.js'
import { line } from './socket.js'

function client(...exchanges) {
  return new Client({
    url: http,
    exchanges: [...exchanges, fetchExchange],
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
  })
}

const asking = client()

async function ask(document, variables) {
  const operation = document.startsWith('mutation') ? 'mutation' : 'query'
  const { data, error } = await asking[operation](gql(document), variables, { requestPolicy: 'network-only' }).toPromise()
  if (error) throw error
  return data
}

function follow(document, variables, hear) {
  const { client: socket, cut, stop } = line()
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: request.query ?? '', variables: request.variables }, sink) }),
  })
  const { unsubscribe } = client(subscriptionExchange({ forwardSubscription }))
    .subscription(gql(document), variables)
    .subscribe(({ data }) => data && hear(data))
  return { cut, stop: () => (unsubscribe(), stop()) }
}

await tell({ ask, follow })
