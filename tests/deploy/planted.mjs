// Each rule must find what is planted for it, in what is right otherwise. `rules` and `plants` are by name;
// `broken(rule, plant)` says what a rule finds in a fresh copy with that plant, or without one. Answers
// [{name, ok, detail}], one for each rule.
export function test_rules(rules, plants, broken) {
  return Object.entries(rules).map(([name, rule]) => {
    const missed = (plants[name] ?? []).filter((plant) => broken(rule, plant).length === 0);
    const detail = [
      ...(broken(rule).length === 0 ? [] : ['it finds something where nothing was planted']),
      ...(plants[name]?.length ? [] : ['nothing is planted for it']),
      ...missed.map((plant) => `it does not find ${plant.toString()}`),
    ];
    return { name, ok: detail.length === 0, detail };
  });
}
