/** What happened and what to do next, for each code of src/api/codes.ts. */
export const errors = {
  OFFLINE: 'Der Dienst ist nicht erreichbar. Prüfe deine Verbindung und versuch es noch einmal.',
  TIMEOUT: 'Der Dienst hat nicht rechtzeitig geantwortet. Versuch es in einem Moment noch einmal.',
  UNEXPECTED: 'Es ist etwas Unerwartetes passiert. Lade die App neu und versuch es noch einmal.',
  RECOVERY_CODE_MALFORMED:
    'Das ist kein vollständiger Wiederherstellungscode. Vergleiche ihn Zeichen für Zeichen.',
  RECOVERY_CODE_WRONG:
    'Dieser Wiederherstellungscode passt nicht zu deinem Tresor. Nimm den zuletzt erzeugten Code.',
  STORAGE_FULL:
    'Der Speicher dieses Browsers ist voll. Schaffe Platz auf dem Gerät und versuch es noch einmal.',
  STORAGE_UNAVAILABLE:
    'Der Browser lässt die App nichts speichern. Erlaube Websitedaten für diese Seite oder verlasse den privaten Modus.',
  ACCOUNT_DELETED: 'Dieses Konto wurde gelöscht.',
  ATTEMPTS_EXHAUSTED: 'Dieser Lauf ist zu oft fehlgeschlagen. Der nächste geplante Lauf beginnt neu.',
  AUDIT_UNAVAILABLE:
    'Zugriffe können gerade nicht protokolliert werden, deshalb wird nichts gelesen. Versuch es später.',
  BAD_REQUEST: 'Der Dienst konnte mit der Eingabe nichts anfangen. Prüfe sie und versuch es noch einmal.',
  CADENCE_INVALID: 'Der Rhythmus der Mission lässt sich nicht planen. Stelle ihn neu ein.',
  CANCELLED: 'Der Vorgang wurde abgebrochen. Du kannst ihn neu starten.',
  COMMIT_IN_DOUBT: 'Es ist unklar, ob das noch gespeichert wurde. Sieh nach, bevor du es wiederholst.',
  DATABASE_CONFLICT: 'Jemand hat gleichzeitig gespeichert. Versuch es noch einmal.',
  DATABASE_READ_ONLY: 'Der Dienst kann gerade nichts speichern. Versuch es in ein paar Minuten noch einmal.',
  DATABASE_TIMEOUT: 'Der Dienst ist gerade sehr langsam. Versuch es in einem Moment noch einmal.',
  DATABASE_UNAVAILABLE:
    'Der Dienst erreicht seine Datenbank nicht. Versuch es in ein paar Minuten noch einmal.',
  FORBIDDEN: 'Das ist von hier aus nicht erlaubt. Öffne die App unter ihrer eigentlichen Adresse.',
  GRANT_NOT_CONFIGURED:
    'Auf diesem Dienst ist der Server-Zugriff nicht eingerichtet. Frag, wer ihn betreibt.',
  GRANT_REVOKED: 'Der Server-Zugriff wurde inzwischen zurückgezogen oder ersetzt.',
  INTERNAL:
    'Im Dienst ist ein Fehler aufgetreten. Versuch es noch einmal; bleibt es dabei, melde es dem Betreiber.',
  LEASE_LOST: 'Inzwischen plant jemand anderes diesen Lauf. Das Ergebnis von hier wurde verworfen.',
  LIMIT_EXCEEDED: 'Das ist mehr, als auf einmal geht. Kürze den Text oder teile ihn auf.',
  LLM_ANSWER_INVALID: 'Das Sprachmodell hat nichts Brauchbares geantwortet. Versuch es noch einmal.',
  LLM_ANSWER_TOO_LARGE: 'Die Antwort des Sprachmodells war zu lang. Formuliere das Ziel enger.',
  LLM_CIRCUIT_OPEN: 'Das Sprachmodell ist gerade gestört. Versuch es in ein paar Minuten noch einmal.',
  LLM_FAILED: 'Das Sprachmodell hat einen Fehler gemeldet. Versuch es in einem Moment noch einmal.',
  LLM_RATE_LIMITED:
    'Das Sprachmodell nimmt gerade keine weiteren Anfragen an. Versuch es später noch einmal.',
  LLM_REFUSED: 'Das Sprachmodell hat die Anfrage abgelehnt. Ändere das Ziel oder die Eingaben der Mission.',
  LLM_RETRIES_SPENT:
    'Das Sprachmodell ist gerade zu oft gestört. Versuch es in ein paar Minuten noch einmal.',
  LLM_TIMEOUT:
    'Das Sprachmodell hat zu lange gebraucht. Versuch es noch einmal, vielleicht mit weniger Eingaben.',
  LLM_UNREACHABLE: 'Das Sprachmodell ist nicht erreichbar. Versuch es in ein paar Minuten noch einmal.',
  METHOD_NOT_ALLOWED:
    'Das nimmt der Dienst so nicht an. Lade die App neu, vielleicht gibt es eine neue Version.',
  MISSION_HAS_GRANT:
    'Diese Mission plant der Server. Ziehe den Server-Zugriff zurück, um sie hier auszuführen.',
  MISSION_HELD:
    'Diese Mission ist angehalten. Entscheide zuerst über die offenen Vorschläge oder warte auf neues Budget.',
  MISSION_INVALID: 'Der Mission fehlt etwas, das ein Lauf braucht. Öffne sie und prüfe die Angaben.',
  MISSION_QUARANTINED:
    'Diese Mission wurde angehalten, weil sie den Dienst gestört hat. Frag, wer ihn betreibt.',
  MISSION_RUNNING: 'Diese Mission läuft gerade schon. Warte, bis der Lauf fertig ist.',
  MISSION_UNKNOWN:
    'Der Dienst kennt diese Mission noch nicht. Warte auf den Abgleich und versuch es noch einmal.',
  NAME_TAKEN: 'Diesen Namen gibt es schon. Wähle einen anderen.',
  NOT_DUE: 'Diese Mission ist noch nicht dran.',
  NOT_FOUND: 'Das gibt es nicht oder nicht mehr.',
  OVERLOADED: 'Der Dienst ist gerade überlastet. Versuch es in einem Moment noch einmal.',
  PLAN_REJECTED:
    'Der Plan des Sprachmodells war nicht verwendbar. Versuch es noch einmal oder formuliere das Ziel klarer.',
  RATE_LIMITED: 'Das waren zu viele Versuche in kurzer Zeit. Warte einen Moment.',
  RECOVERY_WRAP_MISSING: 'Zuerst braucht dein Tresor einen bestätigten Wiederherstellungscode.',
  SHUTTING_DOWN: 'Der Dienst startet gerade neu. Versuch es in einem Moment noch einmal.',
  SIGNING_NOT_CONFIGURED: 'Auf diesem Dienst ist die Anmeldung nicht eingerichtet. Frag, wer ihn betreibt.',
  TOKEN_BUDGET_SPENT: 'Dein Tagesbudget für das Sprachmodell ist verbraucht. Morgen geht es weiter.',
  UNAUTHORIZED: 'Du bist nicht mehr angemeldet. Melde dich neu an.',
  UPGRADE_REQUIRED:
    'Die Verbindung für sofortige Meldungen kam nicht zustande. Lade die App neu; abgeglichen wird auch so.',
  VAULT_EXISTS: 'Für dieses Konto gibt es schon einen Tresor. Lade die App neu.',
  VAULT_KEY_UNKNOWN: 'Dem Dienst fehlt der Schlüssel zu deinem Tresor. Frag, wer ihn betreibt.',
  VAULT_NOT_INITIALISED: 'Du hast noch keinen Tresor. Lade die App neu und richte ihn ein.',
  ZK_ACTIVE:
    'Dein Tresor ist im Zero-Knowledge-Modus: Der Server hat keinen Schlüssel, den er nutzen könnte.',
  waitSeconds_one: 'Versuch es in {{count}} Sekunde wieder.',
  waitSeconds_other: 'Versuch es in {{count}} Sekunden wieder.',
  waitMinutes_one: 'Versuch es in {{count}} Minute wieder.',
  waitMinutes_other: 'Versuch es in {{count}} Minuten wieder.',
  waitHours_one: 'Versuch es in {{count}} Stunde wieder.',
  waitHours_other: 'Versuch es in {{count}} Stunden wieder.',
};
