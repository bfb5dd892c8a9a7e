/** The name that a mistyped one most likely means; undefined when none is near. */
export function nearest(given: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A third of the letters may be wrong: more than that is another word.
  let bestDistance = Math.floor(Math.max(given.length, 3) / 3) + 1;
  if (given.length > MAX_LETTERS) return undefined;
  for (const name of names) {
    const distance = editDistance(given, name);
    if (distance >= bestDistance) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}

/** `; did you mean NAME?`, or nothing. */
export function suggestion(given: string, names: Iterable<string>): string {
  const name = nearest(given, names);
  return name === undefined ? '' : `; did you mean ${name}?`;
}

/** Longer than any name there is; bounds the work. */
const MAX_LETTERS = 64;

/** Letters to insert, remove, replace or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
      }
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
