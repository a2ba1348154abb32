/**
 * User JSON is opaque text: checked where it enters, cut out and spliced in where it must be, never re-serialised.
 *
 * @module
 */
export { type JsonLimits, type JsonSpan, JsonSyntaxError, scanJson } from './scan.ts'
export { appendMember } from './splice.ts'
