// A GraphQL API that PostGraphile makes of the tables themselves, as its documents show it: node server.js PORT DATABASE_URL
//
// It keeps a pool of eight connections, like the others, and leaves out what a screen does not ask: explanations,
// GraphiQL, sockets.

import { createServer } from 'node:http'
import { grafserv } from 'postgraphile/grafserv/node'
import { makePgService } from 'postgraphile/adaptors/pg'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { postgraphile } from 'postgraphile'

const [port, connectionString] = process.argv.slice(2)
const made = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString, schemas: ['public'], poolConfig: { max: 8 } })],
  grafserv: { graphqlPath: '/graphql', graphiql: false, websockets: false, watch: false },
  grafast: { explain: false }
})
await made.getSchema()
const answering = createServer()
await made.createServ(grafserv).addTo(answering)
const ready = (request, response) => request.url === '/readyz' ? response.end('{"ready":true}') : answering.emit('request', request, response)
createServer(ready).listen(Number(port), '127.0.0.1')
