export const ai = {
  tool: {
    create_task: {
      name: 'Aufgabe anlegen',
      params: { title: 'Titel', dueDate: 'Fällig', priority: 'Dringlichkeit', description: 'Beschreibung' },
    },
    complete_task: { name: 'Aufgabe abhaken', params: { taskId: 'Aufgabe' } },
    complete_tasks_by_title: {
      name: 'Alle Aufgaben abhaken, deren Titel einen Text enthält',
      params: { titleSubstring: 'Text im Titel' },
    },
    create_event: {
      name: 'Termin eintragen',
      params: { title: 'Titel', startIso: 'Beginn', endIso: 'Ende' },
    },
    create_place: { name: 'Ort anlegen', params: { name: 'Name', category: 'Art' } },
    visit_place: { name: 'Besuch an einem Ort vermerken', params: { placeId: 'Ort' } },
    undo_drink: { name: 'Zuletzt eingetragenes Getränk zurücknehmen', params: {} },
    unknown: 'Unbekanntes Werkzeug: {{name}}',
  },
  value: {
    priority: { low: 'niedrig', medium: 'mittel', high: 'hoch' },
    missing: 'nicht mehr vorhanden',
  },
  error: {
    UNKNOWN_TOOL:
      'Diese Version der App kennt das Werkzeug nicht. Lade die App neu; hilft das nicht, lehne den Vorschlag ab.',
    BAD_PARAM:
      'Der Vorschlag ist fehlerhaft: {{param}} {{problem}}. Lehne ihn ab und schreib dazu, was fehlt.',
    BAD_PARAMS: 'Der Vorschlag ist fehlerhaft: seine Angaben passen nicht zum Werkzeug. Lehne ihn ab.',
    TASK_MISSING:
      'Die Aufgabe gibt es nicht mehr. Lehne den Vorschlag ab, oder hole sie aus dem Papierkorb zurück.',
    NO_TASK_MATCHES:
      'Keine Aufgabe hat diesen Text im Titel. Lehne den Vorschlag ab, oder lege die Aufgabe erst an.',
    PLACE_MISSING:
      'Den Ort gibt es nicht mehr. Lehne den Vorschlag ab, oder hole ihn aus dem Papierkorb zurück.',
    NO_DRINK: 'Es ist kein Getränk eingetragen, das zurückgenommen werden könnte. Lehne den Vorschlag ab.',
    ENDS_BEFORE_START: 'Der Termin würde vor seinem Beginn enden. Lehne den Vorschlag ab.',
    MISSION_GONE: 'Die Mission zu diesem Vorschlag wurde gelöscht.',
    STEP_GONE: 'Diesen Vorschlag gibt es nicht mehr.',
    ALREADY_DECIDED:
      'Darüber wurde schon entschieden, vielleicht in einem anderen Tab oder auf einem anderen Gerät.',
    PROPOSAL_CHANGED:
      'Der Vorschlag hat sich geändert, während du ihn angesehen hast. Lies ihn noch einmal und entscheide dann.',
    CHANGED_SINCE:
      'Der Eintrag wurde danach geändert. Rückgängig machen würde diese Änderung überschreiben; ändere ihn selbst.',
    REMOVED_SINCE: 'Der Eintrag wurde inzwischen gelöscht. Es gibt nichts mehr rückgängig zu machen.',
    NOTHING_TO_UNDO: 'Dieser Schritt hat nichts geändert, es gibt nichts rückgängig zu machen.',
    ALREADY_UNDONE: 'Das wurde schon rückgängig gemacht.',
    UNEXPECTED: 'Das hat nicht geklappt, und nichts wurde geändert. Versuch es noch einmal.',
  },
  problem: {
    missing: 'fehlt',
    'not-text': 'ist kein Text',
    'has-nul': 'enthält ein unzulässiges Zeichen',
    'too-long': 'ist zu lang',
    empty: 'ist leer',
    'not-a-date': 'ist kein gültiges Datum',
    'not-a-datetime': 'ist kein gültiger Zeitpunkt',
    'not-a-choice': 'hat keinen der erlaubten Werte',
  },
  inbox: {
    title: 'Vorschläge',
    count_one: '{{count}} Vorschlag',
    count_other: '{{count}} Vorschläge',
    hint: 'Nichts davon ist schon geschehen. Erst wenn du annimmst, wird es ausgeführt.',
    why: 'Warum',
    mission: 'Aus der Mission',
    missionUntitled: 'Mission ohne Titel',
    approve: 'Annehmen',
    approveOne: 'Annehmen: {{summary}}',
    reject: 'Ablehnen',
    rejectOne: 'Ablehnen: {{summary}}',
    approveAll_one: '{{count}} annehmen',
    approveAll_other: 'Alle {{count}} annehmen',
    approvedOne: 'Angenommen: {{summary}}',
    rejectedOne: 'Abgelehnt: {{summary}}',
    approvedMany_one: '{{count}} Vorschlag angenommen.',
    approvedMany_other: '{{count}} Vorschläge angenommen.',
    failedMany_one: '{{count}} ging nicht; der Grund steht am Vorschlag.',
    failedMany_other: '{{count}} gingen nicht; der Grund steht jeweils am Vorschlag.',
    arrived_one: '{{count}} neuer Vorschlag.',
    arrived_other: '{{count}} neue Vorschläge.',
    failed: 'Nicht ausgeführt',
    stagingFailed: 'Neue Vorschläge konnten nicht übernommen werden.',
  },
  rejectDialog: {
    title: 'Vorschlag ablehnen',
    about: 'Du lehnst ab: {{summary}}',
    feedback: 'Was soll die KI beim nächsten Mal beachten?',
    hint: 'Der Text steht in der Mission und geht beim nächsten Lauf an das Sprachmodell. Er wird nicht verschlüsselt.',
    confirm: 'Ablehnen',
  },
  policy: {
    hint: 'Gilt für Vorschläge, die auf diesem Gerät ankommen. Auf anderen Geräten stellst du es dort ein.',
    of: 'Regel für: {{tool}}',
    propose: 'Fragt mich',
    auto: 'Läuft sofort',
    deny: 'Wird abgelehnt',
    autoHint: 'Was sofort läuft, steht in der Timeline und lässt sich dort rückgängig machen.',
    saved: 'Gespeichert: {{tool}} – {{rule}}',
    deniedFeedback: 'Dieses Werkzeug ist nicht erlaubt.',
  },
  runHere: {
    title: 'In diesem Browser ausführen',
    what_one:
      '{{count}} Eingabe dieser Mission ist verschlüsselt. Für einen Plan öffnet der Browser sie und schickt ihren Text an das Sprachmodell.',
    what_other:
      '{{count}} Eingaben dieser Mission sind verschlüsselt. Für einen Plan öffnet der Browser sie und schickt ihren Text an das Sprachmodell.',
    where: 'Sprachmodell: {{model}} bei {{host}}. Der Text geht durch diesen Dienst dorthin.',
    standIn: 'Zurzeit antwortet ein eingebauter Platzhalter. Der Text verlässt den Dienst nicht.',
    cut: 'Gekürzt auf höchstens 500 Zeichen je Eingabe, beim Kontext 1500.',
    choice:
      'Du kannst ohne die verschlüsselten Eingaben ausführen. Dann plant die KI nur mit dem, was offen vorliegt.',
    lasting:
      'Deine Wahl „mit“ gilt für diese Mission auf diesem Gerät, auch für spätere Läufe und Eingaben, bis du sie zurücknimmst oder sich das Sprachmodell ändert.',
    with: 'Mit verschlüsselten Eingaben',
    without: 'Ohne sie ausführen',
    allowed: 'Läufe in diesem Browser dürfen die verschlüsselten Eingaben dieser Mission nutzen.',
    revoke: 'Erlaubnis zurücknehmen',
    revoked: 'Erlaubnis zurückgenommen.',
  },
  run: {
    done_one: 'Plan fertig: {{count}} Vorschlag.',
    done_other: 'Plan fertig: {{count}} Vorschläge.',
    nothing: 'Plan fertig: Es gibt nichts vorzuschlagen.',
    failedSummary: 'Der Lauf in diesem Browser ist fehlgeschlagen. {{reason}}',
    cancelled: 'Nicht ausgeführt.',
    running: 'Diese Mission läuft schon.',
  },
};
