// The same questions, answered by Mercurius with its JIT over the same tables of PostgreSQL.
//
//   node queries.js PORT DATABASE_URL all|asked
//
// `all` is what its documents show: loaders that read whole rows. `asked` reads the columns that are asked for alone,
// by hand. Both prepare their statements and keep a pool of eight connections.

import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

const [port, url, columns] = process.argv.slice(2)
const tuned = columns === 'asked'
pg.types.setTypeParser(20, Number) // BIGINT: every number here is below 2^53
const pool = new pg.Pool({ connectionString: url, max: 8 })

const schema = `
  type Quantity { value: String! uom: String! }
  type Place { id: ID! code: String! }
  type Material { code: String! }
  interface Item {
    id: ID! key: String! number: String! lifecycle: String! status: String! itemRevision: Int! openHolds: Int!
    quantity: Quantity! initialQuantity: Quantity! location: Place expiresAt: String producedAt: String
  }
  type MaterialLot implements Item {
    id: ID! key: String! number: String! lifecycle: String! status: String! itemRevision: Int! openHolds: Int!
    quantity: Quantity! initialQuantity: Quantity! location: Place expiresAt: String producedAt: String
  }
  type Job { code: String! state: String! priority: Int! plannedStart: String plannedEnd: String equipment: Place }
  type Order {
    id: ID! code: String! state: String! priority: Int! dueAt: String quantity: Quantity! product: Material!
    jobOrders: [Job!]!
  }
  type Page { endCursor: String hasNextPage: Boolean! }
  type Orders { nodes: [Order!]! }
  type Lots { nodes: [MaterialLot!]! pageInfo: Page! }
  type Completeness { complete: Boolean! }
  type TraceNode { depth: Int! item: MaterialLot! }
  type Trace { completeness: Completeness! nodes: [TraceNode!]! }
  input ItemKey { material: String! lot: String! }
  enum Direction { BACKWARD }
  type Query {
    item(key: ItemKey!): Item
    operationsRequests(first: Int!): Orders!
    materialLots(first: Int!, after: String): Lots!
    trace(item: ItemKey!, direction: Direction!): Trace!
  }
`

const ask = async (name, text, values) => (await pool.query({ name, text, values })).rows
const opaque = (kind, id) => '~' + Buffer.from(`${kind}:${id}`).toString('base64url')
const exact = (micro) => String(micro / 1e6)
const instant = (micros) => micros === null ? null : new Date(micros / 1000).toISOString().replace('.000Z', 'Z')
const ENDED = new Set(['CONSUMED', 'INSTALLED', 'SHIPPED', 'SCRAPPED', 'RETURNED', 'CLOSED'])
const status = (item) => ENDED.has(item.lifecycle) ? item.lifecycle
  : item.open_holds > 0 ? 'ON_HOLD'
    : item.expires_at !== null && item.expires_at <= Date.now() * 1000 ? 'EXPIRED' : item.lifecycle

const OF_LOT = tuned
  ? 'id, key, number, lifecycle, open_holds, item_revision, quantity, initial_quantity, uom, location_id, expires_at, produced_at'
  : '*'
const BY_KEY = tuned ? 'id, key, lifecycle, open_holds, quantity, uom, location_id, expires_at' : '*'
const OF_ORDER = tuned ? 'id, code, state, priority, due_at, quantity, product_id' : '*'
const OF_JOB = tuned ? 'request_id, code, state, priority, planned_start, planned_end, equipment_id' : '*'
const OF_PLACE = tuned ? 'id, code' : '*'
const OF_MATERIAL = tuned ? 'id, code, base_uom' : '*'
const one = (name, columns, table) => async (ids) => {
  const rows = await ask(name, `SELECT ${columns} FROM ${table} WHERE id = ANY($1)`, [[...new Set(ids)]])
  const found = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => found.get(id) ?? null)
}
const places = one('places', OF_PLACE, 'equipment')
const materials = one('materials', OF_MATERIAL, 'material_definition')
const lots = one('lots-by-id', OF_LOT, 'item')

const TRACE = `
  WITH RECURSIVE reached(id, depth) AS (
    SELECT id, 0 FROM item WHERE key = $1 AND item_kind = 'LOT'
    UNION
    SELECT taken.item_id, reached.depth + 1
    FROM reached
    JOIN genealogy_line made ON made.item_id = reached.id AND made.role = 'OUTPUT'
    JOIN genealogy_line taken ON taken.event_id = made.event_id AND taken.role = 'INPUT'
  )
  SELECT id, min(depth) AS depth FROM reached GROUP BY id ORDER BY min(depth), id`

const item = {
  id: (row) => opaque('MaterialLot', row.id),
  status,
  itemRevision: (row) => row.item_revision,
  openHolds: (row) => row.open_holds,
  quantity: (row) => ({ value: exact(row.quantity), uom: row.uom }),
  initialQuantity: (row) => ({ value: exact(row.initial_quantity), uom: row.uom }),
  expiresAt: (row) => instant(row.expires_at),
  producedAt: (row) => instant(row.produced_at)
}

const resolvers = {
  Query: {
    item: async (_, { key }) =>
      (await ask('by-key', `SELECT ${BY_KEY} FROM item WHERE key = $1 AND item_kind = 'LOT'`, [`${key.material}/${key.lot}`]))[0] ?? null,
    operationsRequests: async (_, { first }) =>
      ({ nodes: await ask('orders', `SELECT ${OF_ORDER} FROM operations_request ORDER BY id LIMIT $1`, [first]) }),
    materialLots: async (_, { first, after }) => {
      const behind = after ? JSON.parse(Buffer.from(after, 'base64url').toString())[1] : 2 ** 52
      const rows = await ask('lots', `SELECT ${OF_LOT} FROM item WHERE item_kind = 'LOT' AND id < $2 ORDER BY id DESC LIMIT $1`, [first + 1, behind])
      const nodes = rows.slice(0, first)
      const last = nodes.at(-1)
      return {
        nodes,
        pageInfo: { hasNextPage: rows.length > first, endCursor: last && Buffer.from(JSON.stringify(['NEWEST', last.id])).toString('base64url') }
      }
    },
    trace: async (_, { item }) =>
      ({ completeness: { complete: true }, nodes: await ask('trace', TRACE, [`${item.material}/${item.lot}`]) })
  },
  Item: { resolveType: () => 'MaterialLot' },
  MaterialLot: item,
  Order: { id: (row) => opaque('OperationsRequest', row.id), dueAt: (row) => instant(row.due_at) },
  Job: { plannedStart: (row) => instant(row.planned_start), plannedEnd: (row) => instant(row.planned_end) }
}

const place = { loader: async (queries) => places(queries.map(({ obj }) => obj.location_id)), opts: { cache: false } }
const loaders = {
  MaterialLot: { location: place },
  Job: { equipment: { loader: async (queries) => places(queries.map(({ obj }) => obj.equipment_id)), opts: { cache: false } } },
  TraceNode: { item: { loader: async (queries) => lots(queries.map(({ obj }) => obj.id)), opts: { cache: false } } },
  Order: {
    product: { loader: async (queries) => materials(queries.map(({ obj }) => obj.product_id)), opts: { cache: false } },
    quantity: {
      loader: async (queries) => {
        const products = await materials(queries.map(({ obj }) => obj.product_id))
        return queries.map(({ obj }, n) => ({ value: exact(obj.quantity), uom: products[n].base_uom }))
      },
      opts: { cache: false }
    },
    jobOrders: {
      loader: async (queries) => {
        const ids = queries.map(({ obj }) => obj.id)
        const rows = await ask('jobs', `SELECT ${OF_JOB} FROM job_order WHERE request_id = ANY($1) ORDER BY id`, [ids])
        const groups = new Map(ids.map((id) => [id, []]))
        for (const row of rows) groups.get(row.request_id).push(row)
        return ids.map((id) => groups.get(id))
      },
      opts: { cache: false }
    }
  }
}

const app = Fastify()
app.register(mercurius, { schema, resolvers, loaders, jit: 1 })
app.get('/readyz', async () => ({ ready: true }))
await app.listen({ port: Number(port), host: '127.0.0.1' })
