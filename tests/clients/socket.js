// A WebSocket client of graphql-ws for one subscription, whose line can be cut.
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { authorization, ws } from './server.js'

export function line() {
  let socket
  const client = createClient({
    url: ws,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: authorization },
    retryAttempts: 0,
    on: { opened: (opened) => (socket = opened) },
  })
  return { client, cut: () => socket.terminate(), stop: () => client.dispose() }
}
