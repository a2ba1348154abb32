/**
 * `/tasks`: a file a route.
 *
 * @module
 */
import type { Gateway, GatewayDependencies } from '../../app.ts'
import { addArtifacts } from './artifacts.ts'
import { addCancel } from './cancel.ts'
import { addGet } from './get.ts'
import { addList } from './list.ts'
import { addLogs } from './logs.ts'
import { addResult } from './result.ts'
import { addSubmit } from './submit.ts'

export const addTasks = (app: Gateway, dependencies: GatewayDependencies) => {
  addSubmit(app, dependencies)
  addList(app, dependencies)
  addGet(app, dependencies)
  addResult(app, dependencies)
  addLogs(app, dependencies)
  addArtifacts(app, dependencies)
  addCancel(app, dependencies)
}
