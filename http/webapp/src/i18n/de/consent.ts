/** What is said before a server may read, and when it cannot be allowed to. */
export const consent = {
  title: 'Server-Zugriff erteilen',
  intro_one: 'Für „{{mission}}“ wird der Server diesen einen Eintrag lesen können:',
  intro_other: 'Für „{{mission}}“ wird der Server diese {{count}} Einträge lesen können:',
  table_one: '{{name}}: ein Eintrag',
  table_other: '{{name}}: {{count}} Einträge',
  gone_one: 'Ein Eintrag ist hier nicht (mehr) da und wird nicht freigegeben.',
  gone_other: '{{count}} Einträge sind hier nicht (mehr) da und werden nicht freigegeben.',
  duration: 'Wie lange?',
  durations: { hour: '1 Stunde', day: '1 Tag', week: '7 Tage', month: '30 Tage' },
  until: 'Bis {{when}}',
  what: 'Was das heißt',
  llm: 'Der Text dieser Einträge geht beim Planen an das Sprachmodell {{model}} auf {{host}}.',
  llmStandIn:
    'Der Text dieser Einträge geht beim Planen an {{model}} auf {{host}}. Das ist ein Platzhalter ohne echtes Sprachmodell.',
  llmFallback: 'Antwortet {{host}} nicht, geht der Text stattdessen an {{hosts}}.',
  llmLoading:
    'Der Text dieser Einträge geht beim Planen an das eingerichtete Sprachmodell. Frage ab, welches …',
  llmUnknown:
    'Der Text dieser Einträge geht beim Planen an das eingerichtete Sprachmodell. Welches das ist, war gerade nicht zu erfahren.',
  log: 'Jedes Entschlüsseln wird protokolliert. Du findest es unter',
  logLink: 'Workbench → Datenzugriff',
  withdraw: 'Du kannst den Zugriff jederzeit zurückziehen.',
  irrevocable:
    'Nicht zurückholen lässt sich, was bis dahin gelesen wurde: Text, der schon beim Sprachmodell war, und Pläne, die daraus entstanden sind.',
  confirm: 'Zugriff erteilen',
  step: {
    reseal: 'Einträge werden vorbereitet …',
    push: 'Änderungen werden abgeglichen …',
    issue: 'Zugriff wird erteilt …',
    store: 'Zugriff wird gespeichert …',
  },
  granted: 'Zugriff erteilt.',
  retry: 'Noch einmal versuchen',
  problem: {
    zeroKnowledge: {
      title: 'Zero-Knowledge ist eingeschaltet',
      text: 'Der Server besitzt keinen Schlüssel, mit dem er deine Einträge öffnen könnte. So soll es sein. Plane diese Mission im Browser, oder schalte Zero-Knowledge in den Einstellungen aus.',
    },
    notConfigured: {
      title: 'Dieser Server ist dafür nicht eingerichtet',
      text: 'Ihm fehlt der Schlüssel, für den Zugriffe ausgestellt werden. Frag die Person, die ihn betreibt. Im Browser kannst du die Mission trotzdem planen.',
    },
    noVault: {
      title: 'Es gibt noch keinen Tresor',
      text: 'Ohne Tresor gibt es keinen Schlüssel, der sich freigeben ließe. Leg ihn in den Einstellungen an und versuch es dann noch einmal.',
    },
    offline: {
      title: 'Du bist offline',
      text: 'Einen Zugriff stellt der Server aus, dafür brauchst du das Netz. Es ist nichts verloren: Versuch es noch einmal, sobald du online bist.',
    },
    rateLimited: {
      title: 'Zu viele Anfragen',
      text: 'Du hast in kurzer Zeit viele Zugriffe erteilt. Versuch es {{when}} noch einmal.',
      textLater: 'Du hast in kurzer Zeit viele Zugriffe erteilt. Versuch es später noch einmal.',
    },
    tooMany: {
      title: 'Zu viele Einträge',
      text: 'Ein Zugriff gilt für höchstens {{max}} Einträge. Nimm Eingaben aus der Mission, oder teil sie auf mehrere Missionen auf.',
    },
    nothing: {
      title: 'Nichts freizugeben',
      text: 'Keiner der verschlüsselten Einträge dieser Mission ist hier da. Wähl andere Eingaben, oder gleich dieses Gerät erst ab.',
    },
    unreadable: {
      title: 'Ein Eintrag lässt sich nicht öffnen',
      text: 'Mindestens ein Eintrag lässt sich mit deinem Schlüssel nicht öffnen und daher nicht freigeben. Nimm ihn aus den Eingaben und versuch es noch einmal.',
    },
    refusedWrites: {
      title: 'Eine Änderung wurde nicht angenommen',
      text: 'Der Server hat eine Änderung an einem dieser Einträge abgelehnt. Sieh unter Einstellungen → Abgleich nach und versuch es dann noch einmal.',
    },
    wrongScope: {
      title: 'Die Antwort passt nicht zur Anfrage',
      text: 'Der Server hat einen anderen Zugriff ausgestellt, als du erteilen wolltest. Er wurde nicht übernommen. Versuch es noch einmal, und melde es, wenn es wieder geschieht.',
    },
    signedOut: {
      title: 'Deine Anmeldung ist abgelaufen',
      text: 'Melde dich neu an und erteile den Zugriff dann noch einmal.',
    },
    unreachable: {
      title: 'Der Server ist gerade nicht bereit',
      text: 'Versuch es in ein paar Minuten noch einmal. Es wurde kein Zugriff gespeichert. ({{code}})',
    },
    other: {
      title: 'Das hat nicht geklappt',
      text: 'Es wurde kein Zugriff gespeichert. Versuch es noch einmal, und nenn diesen Code, wenn du Hilfe brauchst: {{code}}',
    },
  },
};
