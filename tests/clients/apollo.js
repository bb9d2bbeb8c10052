// @apollo/client without React: HTTP link for questions and commands, graphql-ws link for topics.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { authorization, http } from './server.js'
import { tell } from './journey.js'
import { line } from './socket.js'

const asking = new ApolloClient({
  link: new HttpLink({ uri: http, headers: { authorization } }),
  cache: new InMemoryCache(),
})

async function ask(document, variables) {
  if (document.startsWith('mutation')) return (await asking.mutate({ mutation: gql(document), variables })).data
  return (await asking.query({ query: gql(document), variables, fetchPolicy: 'network-only' })).data
}

function follow(document, variables, hear) {
  const { client: socket, cut, stop } = line()
  const topics = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() })
  const subscription = topics
    .subscribe({ query: gql(document), variables })
    .subscribe({ next: ({ data }) => data && hear(data), error() {} })
  return { cut, stop: () => (subscription.unsubscribe(), stop()) }
}

await tell({ ask, follow })
