// Pages that answer a user's question come before those that say how the project came about.
const SCORES = [
  [/^docs\/(decisions|images)\/|^CHANGELOG|^benchmarks\/|^findings\/|^docs\/(architecture|agreement)/, -20],
  [/^(README|index|CONTRIBUTING)$|^docs\/(guide|howto)\//, 10],
  [/^docs\/[^/]+$/, 10],
  [/^docs\/(methods|metrics|coming-from)\//, 5],
];
var Scorer = {
  score: ([docname, title, anchor, descr, score]) =>
    score + SCORES.filter(([of]) => of.test(docname)).reduce((sum, [, own]) => sum + own, 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
