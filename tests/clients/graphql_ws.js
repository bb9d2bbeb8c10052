// graphql-ws for topics, plain fetch beside it.
import { authorization, http } from './server.js'
import { tell } from './journey.js'
import { line } from './socket.js'

async function ask(query, variables) {
  const answer = await fetch(http, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await answer.json()
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

function follow(query, variables, hear) {
  const { client, cut, stop } = line()
  client.subscribe({ query, variables }, { next: ({ data }) => hear(data), error() {}, complete() {} })
  return { cut, stop }
}

await tell({ ask, follow })
