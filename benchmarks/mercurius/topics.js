// The live benchmark's peer: one topic with the payload of mesgraph's, published at the word of a request.
import { createHash, randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import mercurius from 'mercurius'

const schema = `
  type Event { eventId: ID! type: String! actor: String! occurredAt: String! recordedAt: String! reasonCode: String
    leafHash: String! }
  type Message { cursor: String! event: Event! }
  type Query { subscribed: Int! }
  type Mutation { emit(events: Int!): Boolean! }
  type Subscription { ledgerAppended(types: [String!]): Message! }
`
let position = 0
let subscribed = 0

function message () {
  const now = new Date().toISOString().replace('Z', '000Z')
  position += 1
  return {
    cursor: `c1-${position}`,
    event: {
      eventId: randomUUID(),
      type: 'SITE_SUBMITTED',
      actor: 'admin',
      occurredAt: now,
      recordedAt: now,
      reasonCode: null,
      leafHash: createHash('sha256').update(String(position)).digest('hex')
    }
  }
}

const resolvers = {
  Query: { subscribed: () => subscribed },
  Mutation: {
    emit: async (_, { events }, { pubsub }) => {
      for (let i = 0; i < events; i++) await pubsub.publish({ topic: 'ledger', payload: { ledgerAppended: message() } })
      return true
    }
  },
  Subscription: {
    ledgerAppended: {
      subscribe: async (_, __, { pubsub }) => {
        const topic = await pubsub.subscribe('ledger')
        subscribed += 1
        topic.once('close', () => { subscribed -= 1 })
        return topic
      }
    }
  }
}

const app = Fastify()
app.register(mercurius, { schema, resolvers, subscription: true, jit: 1 })
app.get('/readyz', async () => ({ ready: true }))
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })
