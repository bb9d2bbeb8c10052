// The journey that every client makes: look at the board, start a job, hear of it, lose the line, hear of the rest.

const BOARD = `query Board($equipment: ID!) {
  systemStatus { cursor }
  dispatchList(equipment: $equipment) { code state }
}`
const command = (name) => `mutation Do($job: ID!, $key: String!) {
  ${name}(input: {jobOrder: $job, idempotencyKey: $key}) {
    jobOrder { code state }
    replayed
    userErrors { code path ... on InvalidTransitionError { from allowed } }
  }
}`
const TOPIC = `subscription Jobs($after: Cursor) { jobOrderChanged(after: $after) { cursor event { type } } }`

const JOB = 'HV1/10045-20'

// `ask(document, variables)` answers with data; `follow(document, variables, sink)` begins a subscription of its own
// connection and returns `{cut(), stop()}`.
export async function journey({ ask, follow }) {
  const board = await ask(BOARD, { equipment: 'HV1/COAT01' })
  const seen = []
  let after = board.systemStatus.cursor
  let waiting = []
  let connections = 0

  const heard = (count) =>
    new Promise((resolve) => {
      waiting.push({ count, resolve })
      announce()
    })
  // that the job may start is told, too, on a busy machine only after the client came
  const heardOf = () => seen.filter(({ type }) => type !== 'JOB_ORDER_READINESS_CHANGED').length
  const announce = () => {
    waiting = waiting.filter(({ count, resolve }) => heardOf() < count || resolve())
  }
  const begin = () => {
    connections += 1
    return follow(TOPIC, { after }, (data) => {
      after = data.jobOrderChanged.cursor
      seen.push({ cursor: after, type: data.jobOrderChanged.event.type })
      announce()
    })
  }
  const run = (name, key, job = JOB) => ask(command(name), { job, key }).then((data) => data[name])

  let line = begin()
  const started = await run('startJobOrder', 'start')
  await heard(1)
  line.cut()
  const refused = await run('startJobOrder', 'start-again')
  const repeated = await run('startJobOrder', 'start')
  await run('pauseJobOrder', 'pause')
  await run('resumeJobOrder', 'resume')
  line = begin()
  await heard(3)
  await run('pauseJobOrder', 'pause-2')
  await heard(4)
  line.stop()
  return { board: board.dispatchList, started, refused, repeated, seen, connections }
}

export async function tell(client) {
  console.log(JSON.stringify(await journey(client)))
  process.exit(0)
}
