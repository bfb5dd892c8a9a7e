/** The known word that a misspelt one was most likely meant to be; undefined when none is near. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  const given = word.toLowerCase();
  let best: string | undefined;
  // A third of a word may be wrong, and never more than two letters.
  let bestDistance = Math.min(2, Math.floor((given.length + 1) / 3)) + 1;
  for (const candidate of known) {
    const longer = Math.abs(candidate.length - given.length);
    if (longer >= bestDistance) continue;
    // Of equally near ones that of the same length is meant more likely.
    const distance = editDistance(given, candidate.toLowerCase()) + longer / 10;
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Letters to insert, remove, replace or swap with their neighbour to make one word of the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      next[j] = Math.min(last[j] + 1, next[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    before = last;
    last = next;
  }
  return last[b.length];
}
