// What a work unit has to do: the list once, then every change of its jobs, with nothing lost between the two.
import {
  BoardChangesDocument,
  DispatchBoardDocument,
  StartJobDocument,
  type BoardJobFragment,
} from '../generated/operations.js'
import { follow, request, type Server } from './client.js'

export type Job = BoardJobFragment

export class DispatchBoard {
  readonly jobs = new Map<string, Job>()
  private stop: () => void = () => {}

  constructor(
    private readonly server: Server,
    private readonly equipment: string,
    private readonly changed: (board: DispatchBoard) => void,
    private readonly lost: (reason: unknown) => void,
  ) {}

  /** Show what is there, and follow from exactly there. */
  async open(): Promise<void> {
    const { systemStatus, dispatchList } = await request(this.server, DispatchBoardDocument, {
      equipment: this.equipment,
    })
    for (const job of dispatchList) this.jobs.set(job.id, job)
    this.changed(this)
    this.stop = follow(
      this.server,
      BoardChangesDocument,
      { equipment: this.equipment, after: systemStatus.cursor },
      ({ jobOrderChanged: { cursor, jobOrder } }) => {
        if (jobOrder) this.show(jobOrder)
        return cursor
      },
      this.lost,
    )
  }

  close(): void {
    this.stop()
  }

  /** Start a job. Refusals come back as sentences for the operator; nothing was written then. */
  async start(job: Job, idempotencyKey: string): Promise<string[]> {
    const { startJobOrder } = await request(this.server, StartJobDocument, {
      input: { jobOrder: job.id, expectedVersion: job.version, idempotencyKey },
    })
    return startJobOrder.userErrors.map((error) => {
      switch (error.__typename) {
        case 'InvalidTransitionError':
          return `${error.message} (possible now: ${error.allowed.join(', ')})`
        case 'LotOnHoldError':
          return `${error.message}: release ${error.holds.map((hold) => hold.number).join(', ')}`
        default:
          return error.message
      }
    })
  }

  private show(job: Job): void {
    const done = job.state === 'ENDED' || job.state === 'ABORTED' || job.state === 'CANCELLED'
    if (done) this.jobs.delete(job.id)
    else this.jobs.set(job.id, job)
    this.changed(this)
  }
}
