/**
 * Adds one member, given as JSON text, to a value that JavaScript may serialise.
 *
 * @example appendMember({ id: 'x' }, 'result', '{"preload":583.0}') // {"id":"x","result":{"preload":583.0}}
 */
export const appendMember = (value: Record<string, unknown>, name: string, json: string): string => {
  const text = JSON.stringify(value)
  const separator = text === '{}' ? '' : ','
  return `${text.slice(0, -1)}${separator}${JSON.stringify(name)}:${json}}`
}
