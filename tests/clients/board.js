// The dispatch board of docs/front-end, compiled, on a line that is cut.
import WebSocket from 'ws'
import { DispatchBoard } from '../../docs/front-end/generated/js/src/dispatch-board.js'
import { RequestError, request } from '../../docs/front-end/generated/js/src/client.js'
import { DispatchBoardDocument } from '../../docs/front-end/generated/js/generated/operations.js'

const lines = []
class Line extends WebSocket {
  constructor(...options) {
    super(...options)
    lines.push(this)
  }
}
const server = { address: `http://${process.env.MESGRAPH_ADDRESS}`, key: process.env.MESGRAPH_KEY, webSocketImpl: Line }

const states = []
let waiting = () => {}
const board = new DispatchBoard(
  server,
  'HV1/COAT01',
  ({ jobs }) => {
    states.push([...jobs.values()].map((job) => job.state).join())
    waiting()
  },
  (reason) => console.error(reason),
)
const shows = (state) =>
  new Promise((resolve) => {
    waiting = () => states.at(-1) === state && resolve()
    waiting()
  })
const pause = async (key) =>
  (
    await fetch(`${server.address}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'mutation ($key: String!) { pauseJobOrder(input: {jobOrder: "HV1/10045-20", idempotencyKey: $key}) { replayed } }',
        variables: { key },
      }),
    })
  ).json()

await board.open()
const [job] = board.jobs.values()
const done = await board.start(job, 'board-1')
await shows('RUNNING')
const refused = await board.start(board.jobs.get(job.id), 'board-2')
lines[0].terminate()
await pause('board-3')
await shows('INTERRUPTED')
board.close()

let unknown
try {
  await request(server, DispatchBoardDocument, { equipment: 'HV1/NONE' })
} catch (error) {
  unknown = error instanceof RequestError && { codes: error.errors.map((e) => e.extensions.code), retryable: error.retryable }
}
console.log(JSON.stringify({ done, refused, states: [...new Set(states)], lines: lines.length, unknown }))
process.exit(0)
