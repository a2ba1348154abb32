const PROGRAMS = 'A task cannot start programs: call a Python function of a package instead.'
const PARSERS = 'Read XML with defusedxml, or only XML that your own code wrote.'
const CONNECTIONS = 'A task has no network: pass the data as an input file.'

/** How to fix what one of Ruff's rules reports, by the start of its code, the longest first. */
const FIXES: readonly (readonly [string, string])[] = [
  ['S102', 'Write the code out, or choose between functions with a dictionary.'],
  ['S307', 'Use ast.literal_eval for values, a function or a dictionary for formulas.'],
  ['S301', 'Use json, or numpy.save and numpy.load, which run no code.'],
  ['S302', 'Use json, or numpy.save and numpy.load, which run no code.'],
  ['S324', 'Use hashlib.sha256, or pass usedforsecurity=False when it only names data.'],
  ['S31', PARSERS],
  ['S310', CONNECTIONS],
  ['S312', CONNECTIONS],
  ['S321', CONNECTIONS],
  ['S60', PROGRAMS],
  ['S10', 'Take the secret out of the code and pass it as an input.'],
  ['S50', CONNECTIONS],
  ['PLE25', 'Remove the invisible character, or write it as an escape such as \\u202e.'],
]

const LONGEST_FIRST = FIXES.toSorted(([a], [b]) => b.length - a.length)

/** A sentence that says how to fix what `rule` reports. */
export const fixFor = (rule: string): string =>
  LONGEST_FIRST.find(([start]) => rule.startsWith(start))?.[1] ??
  `Rewrite this line (Ruff's documentation explains ${rule}), or ask your administrator to lower the rule.`
