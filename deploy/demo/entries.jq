# The demo user's data as the browser app would hold it before sealing, one JSON per line: see `rows` of
# tests/e2e/browser/client.mjs. `now` is given as $stamp.
def goal($id; $data): {app: "companion", table: "companionGoals", id: $id, data: $data};
def input($kind; $table; $id): {"module": $kind, table: $table, id: $id};

goal("demo-goal-running"; {title: "Dreimal pro Woche laufen", status: "active", currentValue: 1,
  target: {value: 3, period: "week", comparison: "gte"}}),
goal("demo-goal-water"; {title: "Acht Gläser Wasser am Tag", status: "active", currentValue: 4, period: "day",
  target: {value: 8, comparison: "gte"}}),
{table: "notes", id: "demo-note-flat", data: {title: "Wohnung: offene Punkte",
  content: "Heizung entlüften, Mietvertrag kopieren, Rauchmelder im Flur prüfen."}},
{table: "notes", id: "demo-note-trip", data: {title: "Wandern im Harz",
  content: "Zwei Tage, Start in Wernigerode. Hütte noch nicht gebucht."}},
{table: "tasks", id: "demo-task-insurance", data: {title: "Haftpflicht kündigen",
  description: "Frist läuft zum Monatsende ab.", isCompleted: false, priority: "high", dueDate: "2030-01-31"}},
{mission: "demo-mission",
  grant: {recordIds: ["notes:demo-note-flat", "notes:demo-note-trip", "tasks:demo-task-insurance"]},
  data: {title: "Gut durch die Woche", state: "active", iterations: [],
    objective: "Hilf mir, meine Ziele zu erreichen und nichts aus meinen Notizen liegen zu lassen.",
    conceptMarkdown: "Kleine Schritte am Morgen; höchstens fünf Vorschläge je Tag.",
    inputs: [input("goals"; "companionGoals"; "demo-goal-running"), input("goals"; "companionGoals"; "demo-goal-water"),
      input("notes"; "notes"; "demo-note-flat"), input("notes"; "notes"; "demo-note-trip"),
      input("todo"; "tasks"; "demo-task-insurance")],
    cadence: {kind: "daily", atHour: 7, atMinute: 0}, timeZone: "Europe/Berlin", nextRunAt: $stamp}}
