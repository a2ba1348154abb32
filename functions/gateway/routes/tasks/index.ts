/**
 * `/tasks`: a file a route.
 *
 * @module
 */
import { createIntake } from '../../../../shared/tasks/index.ts'
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { addArtifacts } from './artifacts.ts'
import { addBatch } from './batch.ts'
import { addBulkCancel } from './bulk-cancel.ts'
import { addCancel } from './cancel.ts'
import { addCount } from './count.ts'
import { addGet } from './get.ts'
import { addList } from './list.ts'
import { addLogs } from './logs.ts'
import { addReplay } from './replay.ts'
import { addResult } from './result.ts'
import { addRetry } from './retry.ts'
import { addSubmit } from './submit.ts'

export const addTasks = (app: Gateway, dependencies: GatewayDependencies) => {
  const intake = createIntake(dependencies)
  addSubmit(app, dependencies, intake)
  addBatch(app, dependencies, intake)
  addBulkCancel(app, dependencies)
  addReplay(app, dependencies)
  // Before the routes with an id: `count` is none.
  addCount(app, dependencies)
  addList(app, dependencies)
  addGet(app, dependencies)
  addResult(app, dependencies)
  addLogs(app, dependencies)
  addArtifacts(app, dependencies)
  addCancel(app, dependencies)
  addRetry(app, dependencies)
}
