# Core: Rahmen, Bausteine, Fehlerseiten und Entwicklungsseiten.

core-date = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
  } { $year }
core-time = { core-date }, { $time }

core-skip = Zum Inhalt springen
core-navigation = Hauptnavigation
core-account = Konto
core-signed-in-as = Angemeldet als
core-profile = Ihr Profil
core-security = Passwort und Sicherheit
core-sessions = Ihre Anmeldungen
core-operators = Betreiber
core-sign-in = Anmelden
core-sign-up = Konto erstellen
core-sign-out = Abmelden
core-organizations = Ihre Organisationen
core-organization-new = Neue Organisation
core-organization-switch = Organisation wechseln
core-organization-choose = Organisation wählen

core-optional = (optional)
core-actions = Aktionen
core-copy = Kopieren
core-copied = Kopiert
core-live = Live
core-reconnecting = Verbindet neu …
core-live-without-script = Änderungen anzeigen
core-pages = Seiten dieser Liste
core-pages-range = { $first }–{ $last } von { $total }
core-pages-previous = Zurück
core-pages-next = Weiter
core-error-title = Fehler:
core-form-errors = { $count ->
    [one] Ein Feld braucht noch Ihre Aufmerksamkeit.
   *[other] { $count } Felder brauchen noch Ihre Aufmerksamkeit.
  }

core-problem-bad-request-title = Diese Anfrage ist unverständlich
core-problem-bad-request-text = Gehen Sie zurück und versuchen Sie es noch einmal. Falls Sie einem Link gefolgt sind: Er ist vielleicht unvollständig.
core-problem-unauthenticated-title = Bitte melden Sie sich an
core-problem-unauthenticated-text = Diese Seite sehen nur angemeldete Personen.
core-problem-second-factor-pending-title = Noch ein Schritt
core-problem-second-factor-pending-text = Geben Sie einen Code aus Ihrer Authentifizierungs-App oder einen Ihrer Ersatzcodes ein.
core-problem-second-factor-required-title = Hier wird ein zweiter Faktor verlangt
core-problem-second-factor-required-text = Richten Sie unter „Passwort und Sicherheit“ eine Authentifizierungs-App oder einen Passkey ein. Danach geht es weiter.
core-problem-step-up-required-title = Zeigen Sie, dass Sie es sind
core-problem-step-up-required-text = Was Sie vorhaben, betrifft die Sicherheit Ihres Kontos oder Ihrer Organisation. Geben Sie zuerst Ihr Passwort oder einen Code ein.
core-problem-limit-reached-title = Die Grenze Ihres Tarifs ist erreicht
core-problem-limit-reached-text = Entfernen Sie etwas, das Sie nicht mehr brauchen, oder wählen Sie einen größeren Tarif.
core-problem-feature-not-in-plan-title = Ihr Tarif enthält das nicht
core-problem-feature-not-in-plan-text = Sehen Sie nach, welche Tarife es enthalten. Was schon da ist, bleibt, wie es ist.
core-problem-upgrade = Tarife ansehen
core-problem-payment-overdue-title = Ihr Abonnement ist nicht bezahlt
core-problem-payment-overdue-pay = Bezahlen
core-problem-payment-overdue-ask = Bezahlen kann, wem die Organisation gehört.
core-problem-payment-overdue-text = Sobald es bezahlt ist, lässt sich alles wieder ändern. Es wird nichts gelöscht.
core-problem-forbidden-title = Das dürfen Sie nicht
core-problem-forbidden-text = Ihre Rolle erlaubt es nicht. Die Leitung der Organisation kann Ihre Rolle ändern.
core-problem-not-found-title = Diese Seite gibt es nicht
core-problem-not-found-text = Sie wurde vielleicht entfernt, oder sie gehört zu einer anderen Organisation als der aktiven.
core-problem-method-not-allowed-title = Das geht hier nicht
core-problem-method-not-allowed-text = Gehen Sie zurück und verwenden Sie die Schaltflächen der Seite.
core-problem-conflict-title = Jemand war schneller
core-problem-conflict-text = Inzwischen hat sich etwas geändert. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
core-problem-no-tenant-title = Wählen Sie zuerst eine Organisation
core-problem-no-tenant-text = Sie gehören zu mehreren Organisationen oder zu keiner, und es wurde nicht gesagt, welche gemeint ist.
core-problem-other-tenant-title = Diese Seite gehört zu einer anderen Organisation
core-problem-other-tenant-text = Es wurde nichts geändert. Sie haben die Organisation gewechselt, nachdem die Seite geöffnet wurde, in diesem oder einem anderen Tab. Wechseln Sie zurück und versuchen Sie es noch einmal, oder arbeiten Sie in der jetzigen Organisation weiter.
core-problem-request-in-progress-title = Das wird schon erledigt
core-problem-request-in-progress-text = Dieselbe Anfrage kam schon an und ist noch nicht fertig. Warten Sie einen Moment und fragen Sie noch einmal.
core-problem-idempotency-key-reused-title = Dieser Schlüssel gehört zu einer anderen Anfrage
core-problem-idempotency-key-reused-text = Ein Idempotenzschlüssel steht für eine Anfrage. Senden Sie eine andere Anfrage mit einem eigenen Schlüssel.
core-problem-key-in-address-title = Ein Schlüssel gehört nicht in eine Adresse
core-problem-key-in-address-text = Adressen werden unterwegs aufgezeichnet, und wer sie liest, hat den Schlüssel. Senden Sie ihn im Authorization-Header und ersetzen Sie den, der in der Adresse stand.
core-problem-too-large-title = Das ist zu groß
core-problem-too-large-text = Senden Sie weniger auf einmal oder eine kleinere Datei.
core-problem-invalid-title = Im Formular stimmt etwas nicht
core-problem-invalid-text = Gehen Sie zurück, prüfen Sie Ihre Eingaben und senden Sie das Formular noch einmal.
core-problem-too-many-requests-title = Zu viele Versuche
core-problem-too-many-requests-text = Warten Sie einen Moment und versuchen Sie es dann noch einmal.
core-problem-cross-site-title = Das kam von einer anderen Website
core-problem-cross-site-text = Zu Ihrer Sicherheit haben wir es abgelehnt. Öffnen Sie die Seite hier und versuchen Sie es noch einmal.
core-problem-unsupported-media-type-title = Diese Art von Inhalt wird hier nicht verstanden
core-problem-unsupported-media-type-text = Senden Sie ihn in einem anderen Format.
core-problem-timeout-title = Das hat zu lange gedauert
core-problem-timeout-text = Die Anfrage kam nicht rechtzeitig an. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.
core-problem-internal-title = Bei uns ist etwas schiefgegangen
core-problem-internal-text = Der Fehler wurde festgehalten. Versuchen Sie es gleich noch einmal.
core-problem-4xx-title = Das hat nicht geklappt
core-problem-4xx-text = Gehen Sie zurück und versuchen Sie es noch einmal.
core-problem-unavailable-title = Wir sind gleich wieder da
core-problem-unavailable-text = Der Dienst ist für einen Moment nicht erreichbar. Es geht nichts verloren. Versuchen Sie es in einer Minute noch einmal.
core-problem-5xx-title = Bei uns ist etwas schiefgegangen
core-problem-5xx-text = Der Fehler wurde festgehalten. Versuchen Sie es gleich noch einmal.
core-problem-kinds = Arten von Problemen
core-problem-kinds-text = Jede Anfrage, die abgelehnt wird, wird mit einem davon beantwortet.
core-problem-kind = Art des Problems
core-problem-kind-for-programs = Für Programme
core-problem-kind-text = Eine Antwort dieser Art ist ein Problemdokument (RFC 9457) mit diesem Typ und Status.
core-problem-fields = Was zu berichtigen ist
core-problem-used = { $used } von { $limit } verwendet
core-problem-request = Wenn Sie Hilfe brauchen, nennen Sie diese Anfrage:
core-problem-home = Zur Startseite
core-problem-sign-in = Anmelden
core-problem-retry = Noch einmal versuchen

core-development = Entwicklung
core-start-provider = Anmeldeanbieter
core-start-provider-text = Meldet Sie als wen auch immer an, ganz ohne Konto anderswo: über seine Schaltfläche auf der Anmeldeseite.
core-start-stripe = Ersatz für Stripe
core-start-stripe-text = Vertritt Stripe und nimmt Testkarten an. Auf seiner Seite stellen Sie die Uhr vor, damit Probezeiten enden und Zahlungen fällig werden.
core-start-link = Was hier läuft
core-start-title = { $product } läuft
core-start-text = Alles Folgende läuft auf diesem Rechner. Erstellen Sie ein Konto und lesen Sie die E-Mails dazu hier: Nichts verlässt Ihren Rechner.
core-start-do = Loslegen
core-start-home = Startseite
core-start-home-text = Was Besucher sehen.
core-start-sign-up-text = Der erste Schritt: eine Adresse und ein Passwort.
core-start-sign-in-text = Falls Sie schon ein Konto haben.
core-start-mail-text = E-Mails, die dieses Programm verschickt hätte, mit dem Link, der Ihre Adresse bestätigt.
core-start-services = Was wo läuft
core-dev-mail-link = E-Mails
core-dev-mail-title = E-Mails
core-dev-mail-text = E-Mails, die dieses Programm verschickt hätte, die neueste zuerst.
core-dev-mail-empty-title = Noch keine E-Mails
core-dev-mail-empty-text = Erstellen Sie ein Konto: Die E-Mail, die seine Adresse bestätigt, erscheint hier.
core-dev-mail-caption = Verschickte E-Mails
core-dev-mail-subject = Betreff
core-dev-mail-to = An
core-dev-mail-at = Gesendet
core-dev-mail-open = Die E-Mail hier öffnen
core-dev-mail-back = Alle E-Mails

core-mail-why = Sie erhalten diese E-Mail, weil jemand diese Adresse bei { $product } angegeben hat.
core-mail-why-account = Sie erhalten diese E-Mail, weil Sie ein Konto bei { $product } haben.
core-mail-ignore = Waren Sie das nicht, können Sie sie ignorieren.
core-mail-hello = Guten Tag { $name },
core-mail-link = Falls die Schaltfläche nicht funktioniert, öffnen Sie diesen Link:
core-mail-expires-minutes = { $minutes ->
    [one] Der Link gilt eine Minute und einmal.
   *[other] Der Link gilt { $minutes } Minuten und einmal.
  }
core-mail-expires-hours = { $hours ->
    [one] Der Link gilt eine Stunde.
   *[other] Der Link gilt { $hours } Stunden.
  }
core-mail-expires-days = { $days ->
    [one] Der Link gilt einen Tag.
   *[other] Der Link gilt { $days } Tage.
  }
core-mail-verification-subject = Bestätigen Sie Ihre Adresse für { $product }
core-mail-verification-heading = Adresse bestätigen
core-mail-verification-text = Bestätigen Sie, dass diese Adresse Ihnen gehört, und Ihr Konto bei { $product } ist bereit.
core-mail-verification-do = Adresse bestätigen
core-mail-reset-subject = Neues Passwort für { $product }
core-mail-reset-heading = Neues Passwort wählen
core-mail-reset-text = Jemand, wahrscheinlich Sie, hat bei { $product } ein neues Passwort angefordert. Bis Sie eines wählen, gilt das alte.
core-mail-reset-do = Neues Passwort wählen
core-mail-reset-not-you = Waren Sie das nicht, ist nichts zu tun: Ihr Passwort ist unverändert.
core-mail-invitation-subject = { $inviter } lädt Sie zu { $organization } ein
core-mail-invitation-heading = { $organization } beitreten
core-mail-invitation-text = { $inviter } lädt Sie ein, in { $organization } bei { $product } zusammenzuarbeiten.
core-mail-invitation-do = Einladung annehmen
core-mail-invitation-why = Sie erhalten diese E-Mail, weil { $inviter } diese Adresse bei { $product } angegeben hat.
core-mail-welcome-subject = Willkommen bei { $product }
core-mail-welcome-heading = Willkommen bei { $product }
core-mail-welcome-text = Ihr Konto ist bereit. Der erste Schritt dauert ein paar Minuten, und wir führen Sie hindurch.
core-mail-welcome-do = Beginnen
core-mail-receipt-subject = Ihre Quittung { $number } von { $product }
core-mail-receipt-heading = Danke für Ihre Zahlung
core-mail-receipt-text = Wir haben { $amount } von { $organization } am { $day } erhalten.
core-mail-receipt-invoice = Damit ist die Rechnung { $number } bezahlt. Sie finden sie mit allen anderen auf der Seite Ihres Tarifs.
core-mail-receipt-do = Rechnungen anzeigen
core-mail-payment-failed-subject = Ihre Zahlung für { $product } ist fehlgeschlagen
core-mail-payment-failed-heading = Ihre Zahlung ist fehlgeschlagen
core-mail-payment-failed-text = Wir konnten { $amount } für { $organization } nicht einziehen.
core-mail-payment-failed-until = Bis zum { $day } geht alles weiter. Danach lässt sich alles lesen und mitnehmen, aber nichts ändern, bis bezahlt ist. Es wird nichts gelöscht.
core-mail-payment-failed-locked = Bis bezahlt ist, lässt sich alles lesen und mitnehmen, aber nichts ändern. Es wird nichts gelöscht.
core-mail-payment-failed-suspended = Bis bezahlt ist, lässt sich nichts nutzen. Es wird nichts gelöscht.
core-mail-payment-failed-unchanged = Für Sie hat sich noch nichts geändert.
core-mail-payment-failed-next = Am { $day } versuchen wir es noch einmal. Ist Ihre Karte abgelaufen oder lehnt Ihre Bank ab, wählen Sie vorher eine andere Zahlungsart.
core-mail-payment-failed-last = Wir versuchen es nicht noch einmal. Wählen Sie eine andere Zahlungsart, um Ihren Tarif zu behalten.
core-mail-payment-failed-do = Zahlungsart wählen
core-mail-limit-warning-subject = { $what }: { $used } von { $limit } belegt
core-mail-limit-warning-heading = { $what }: Ihr Tarif ist fast ausgeschöpft
core-mail-limit-reached-heading = { $what }: Ihr Tarif ist ausgeschöpft
core-mail-limit-warning-text = { $organization } nutzt { $used } von { $limit } im Tarif.
core-mail-limit-near-text = Sind alle belegt, läuft alles weiter, aber es lässt sich nichts mehr hinzufügen.
core-mail-limit-reached-text = Was Sie haben, läuft weiter, aber es lässt sich nichts mehr hinzufügen.
core-mail-limit-warning-do = Tarife vergleichen
core-mail-security-new-sign-in = Neue Anmeldung bei Ihrem Konto bei { $product }
core-mail-security-password-changed = Ihr Passwort bei { $product } wurde geändert
core-mail-security-email-changed = Ihre Adresse bei { $product } wurde geändert
core-mail-security-email-changed-text = Von nun an hat Ihr Konto bei { $product } die neue Adresse: Sie melden sich mit ihr an, und unsere E-Mails gehen dorthin. Diese hier öffnet es nicht mehr. Die Änderung wurde in beiden Postfächern bestätigt, mit einem Link, der auch hierher kam.
core-mail-security-email-changed-not-you = Haben Sie das nicht bestätigt, liest jemand anderes dieses Postfach. Ändern Sie zuerst dessen Passwort, und schreiben Sie dann den Betreibern von { $product }: Von hier aus kann es niemand rückgängig machen.
core-mail-security-factor-added = Ihrem Konto bei { $product } wurde ein zweiter Faktor hinzugefügt
core-mail-security-factor-removed = Von Ihrem Konto bei { $product } wurde ein zweiter Faktor entfernt
core-mail-security-backup-codes-renewed = Ihr Konto bei { $product } hat neue Ersatzcodes
core-mail-security-backup-code-used = Ein Ersatzcode Ihres Kontos bei { $product } wurde benutzt
core-mail-security-codes-refused = Jemand versucht, die Codes Ihres Kontos bei { $product } zu erraten
core-mail-security-key-created = Für Ihr Konto bei { $product } wurde ein neuer Schlüssel erstellt
core-mail-security-token-reused = Ein Programm hat keinen Zugang mehr zu Ihrem Konto bei { $product }: Jemand hat vielleicht sein Token kopiert
core-mail-security-token-reused-text = Ein Token, das das Programm schon verbraucht hatte, wurde noch einmal benutzt; vielleicht hat jemand eine Kopie. Wir haben seinen Zugang zu Ihrem Konto bei { $product } beendet. Wenn Sie das Programm noch benutzen, melden Sie sich damit neu an; wenn Sie es nicht kennen, ändern Sie Ihr Passwort.
core-mail-security-identity-linked = Ihr Konto bei { $product } lässt sich mit einem anderen Konto öffnen
core-mail-security-identity-unlinked = Ein Konto, das Ihres bei { $product } öffnete, wurde getrennt
core-mail-security-passkey-added = Ihrem Konto bei { $product } wurde ein Passkey hinzugefügt
core-mail-security-passkey-removed = Ein Passkey wurde von Ihrem Konto bei { $product } entfernt
core-mail-security-passkey-copied = Ein Passkey Ihres Kontos bei { $product } wurde kopiert und gilt nicht mehr
core-mail-security-sessions-ended = Sie wurden überall von Ihrem Konto bei { $product } abgemeldet
core-mail-security-sessions-ended-text = Die Betreiber von { $product } haben vorsorglich alle Ihre Sitzungen beendet, und den Zugang von Programmen, die für Sie handelten. Ihr Konto und Ihre Daten sind unverändert: Melden Sie sich neu an.
core-mail-security-operator-granted = Sie gehören zu denen, die { $product } betreiben
core-mail-security-operator-granted-text = { $role ->
    [read_only] Ihr Konto öffnet die Seiten derer, die { $product } betreiben, mit Lesezugriff, in jeder Sitzung, in der Sie einen zweiten Faktor gezeigt haben.
    [support] Ihr Konto öffnet die Seiten derer, die { $product } betreiben, um Menschen zu helfen, in jeder Sitzung, in der Sie einen zweiten Faktor gezeigt haben.
   *[other] Ihr Konto öffnet die Seiten derer, die { $product } betreiben, für alles, in jeder Sitzung, in der Sie einen zweiten Faktor gezeigt haben.
  }
core-mail-security-operator-revoked = Sie gehören nicht mehr zu denen, die { $product } betreiben
core-mail-security-operator-revoked-text = Ihr Konto öffnet die Seiten derer, die { $product } betreiben, nicht mehr. Alles andere darin ist unverändert.
core-mail-security-notice-text = Wir melden Ihnen alles, was die Sicherheit Ihres Kontos bei { $product } betrifft. Waren Sie das, ist nichts zu tun.
core-mail-security-notice-at = Zeit
core-mail-security-notice-program = Programm
core-mail-security-notice-device = Gerät
core-mail-security-notice-address = IP-Adresse
core-mail-security-notice-not-you = Waren Sie das nicht, hat jemand anderes Zugang zu Ihrem Konto: Beenden Sie alle Sitzungen und ändern Sie jetzt Ihr Passwort.
core-mail-security-notice-do = Konto prüfen
core-mail-security-notice-reset = Gilt Ihr Passwort nicht mehr? Dann wählen Sie hier ein anderes; ein Link kommt in dieses Postfach:
core-mail-digest-subject = { $count ->
    [one] { $organization }: eine neue Meldung
   *[other] { $organization }: { $count } neue Meldungen
  }
core-mail-digest-heading = Was in { $organization } geschah
core-mail-digest-more = { $count ->
    [one] Und eine weitere.
   *[other] Und { $count } weitere.
  }
core-mail-digest-do = Alle anzeigen
core-mail-digest-why = Sie erhalten diese E-Mail, weil Sie bei { $product } um eine tägliche Zusammenfassung gebeten haben.
core-mail-digest-preferences = Wählen, was Ihnen gemeldet wird
core-dev-mail-preview = Alle Briefe mit Beispieldaten
core-dev-mail-preview-title = Briefe
core-dev-mail-preview-text = Jeder Brief, den dieses Programm senden kann, in jeder Sprache, mit den Daten seiner Beispiele.
core-dev-mail-preview-letter = Brief
core-dev-mail-preview-as-text = Text
core-dev-mail-formatted = So anzeigen, wie ein Mailprogramm es täte

# Files
core-files = Dateien
core-files-text = Dokumente, die alle in der Organisation öffnen können.
core-files-choose = Datei hinzufügen
core-files-hint = PDF, Office-Dokumente, Bilder, Text, CSV, JSON und ZIP, bis { $size } MB.
core-files-add = Hinzufügen
core-files-sending = Wird gesendet …
core-files-name = Name
core-files-size = Größe
core-files-added = Hinzugefügt
core-files-delete = Löschen
core-files-delete-ask = „{ $name }“ für alle löschen?
core-files-delete-do = Datei löschen
core-files-empty-title = Noch keine Dateien
core-files-empty-text = Netzpläne, Rechnungen, Handbücher: Was hier liegt, findet die ganze Organisation.
core-files-broken-off = Die Datei konnte nicht gesendet werden. Versuchen Sie es noch einmal.
core-files-error-size = Die Datei ist zu groß.
core-files-error-kind = Dateien dieser Art werden nicht angenommen.
core-files-error-none = Wählen Sie zuerst eine Datei aus.

# Protokoll
core-audit = Protokoll
core-audit-text = Wer was geändert hat und von wo. Einträge sind unveränderlich; eine Kette von Siegeln zeigt, ob es jemand versucht hat.
core-audit-at = Zeit
core-audit-actor = Wer
core-audit-actor-id = ID des Handelnden
core-audit-actor-user = Person
core-audit-actor-key = API-Schlüssel
core-audit-actor-agent = Agent
core-audit-actor-admin = Support
core-audit-actor-system = System
core-audit-actor-anonymous = Unbekannt
core-audit-on-behalf = für { $id }
core-audit-action = Aktion
core-audit-resource-id = ID des Betroffenen
core-audit-values = Was
core-audit-origin = Adresse
core-audit-more = Programm
core-audit-from = Von
core-audit-to = Bis
core-audit-search = Suchen
core-audit-clear = Suche löschen
core-audit-export-csv = Als CSV exportieren
core-audit-export-json = Als JSON exportieren
core-audit-unsealed = wird versiegelt
core-audit-number = Nr. { $number }
core-audit-newest = Neueste
core-audit-older = Ältere
core-audit-empty-title = Noch ist nichts geschehen
core-audit-empty-text = Hier wird jede Änderung in der Organisation stehen.
core-audit-no-match-title = Nichts gefunden
core-audit-no-match-text = Kein Eintrag passt zu dieser Suche.
core-audit-error-id = Das ist keine ID.
core-audit-error-time = Das ist kein Tag.
core-audit-undelivered = { $count ->
    [one] Einer dieser Einträge konnte nicht allen gemeldet werden.
   *[other] { $count } dieser Einträge konnten nicht allen gemeldet werden.
}
core-audit-undelivered-show = Ansehen, was fehlt
core-undelivered = Nicht gemeldet
core-undelivered-text = All das ist geschehen und steht im Protokoll, doch die Meldung schlug immer wieder fehl und wurde aufgegeben. Ist die Ursache behoben, kann es erneut gemeldet werden: Wer es schon erfahren hat, erfährt es nicht noch einmal.
core-undelivered-event = Was geschah
core-undelivered-untold = Nicht erreicht
core-undelivered-told = Erreicht
core-undelivered-told-nobody = Niemand
core-undelivered-given-up = Aufgegeben
core-undelivered-replay = Erneut melden
core-undelivered-replay-all = Alles erneut melden
core-undelivered-replay-all-ask = Alles auf allen Seiten dieser Liste wird erneut gemeldet, auch was inzwischen überholt ist.
core-undelivered-empty-title = Alle haben alles erfahren
core-undelivered-empty-text = Hier wird stehen, was nicht gemeldet werden kann.
core-receiver-webhooks = Webhooks
core-receiver-notifications-list = Mitteilungen
core-receiver-notifications-mail = E-Mail
core-receiver-notifications-chat = Chat-Kanäle
core-receiver-notifications-push = Browser
core-severity-info = Info
core-severity-notice = Hinweis
core-severity-warning = Warnung
core-severity-critical = Kritisch

# Verzeichnis der Ereignisse
core-events = Ereignisse
core-events-text = Alles, was gemeldet wird, für Webhooks und Programme, die darauf hören.
core-events-json = Als JSON
core-events-name = Ereignis
core-events-version = Version { $version }
core-events-severity = Schwere
core-events-permission = Zu hören mit dem Recht
core-events-schema = Daten
core-events-schema-show = Schema zeigen
core-events-empty-title = Keine Ereignisse
core-events-empty-text = Dieses Produkt meldet noch nichts.

# Statusseite
core-status = Status
core-status-at = Stand:
core-status-json = Als JSON
core-status-all-good = Alles funktioniert.
core-status-some = { $count ->
    [one] Ein Dienst ist unterbrochen. Alles andere funktioniert.
   *[other] { $count } Dienste sind unterbrochen. Alles andere funktioniert.
  }
core-status-down = Das meiste ist gerade nicht benutzbar. Es kommt von selbst zurück.
core-status-working = Funktioniert
core-status-interrupted = Unterbrochen
core-status-since = Seit
core-status-see = Was funktioniert
core-api-docs = API-Dokumentation
core-status-database = Anwendung und Daten
core-status-database-interrupted = Die meisten Seiten lassen sich nicht zeigen. Was gespeichert wurde, ist noch da.
core-status-mail = E-Mail
core-status-mail-interrupted = Nachrichten warten und werden gesendet, sobald es wieder geht.
core-status-limits = Anmelden
core-status-limits-interrupted = Wer angemeldet ist, arbeitet weiter wie gewohnt. Das Anmelden wird vielleicht kurz abgelehnt.
core-status-live = Aktualisierung offener Seiten
core-status-live-interrupted = Offene Seiten zeigen Neues erst, wenn sie neu geladen werden.
core-status-files-reading = Dateien öffnen
core-status-files-reading-interrupted = Dateien lassen sich nicht öffnen. Sie sind noch da.
core-status-files-writing = Dateien hinzufügen
core-status-files-writing-interrupted = Neue Dateien werden nicht angenommen. Versuchen Sie es später noch einmal.

# Ausgehende Webhooks
core-webhooks = Webhooks
core-webhooks-text = Andere Systeme, die erfahren, was hier geschieht, sobald es geschieht.
core-webhooks-catalogue = Alle Ereignisse
core-webhooks-empty-title = Noch erfährt niemand etwas
core-webhooks-empty-text = Fügen Sie die Adresse eines Ihrer Systeme hinzu, dann bekommt es zu jedem Ereignis eine signierte Nachricht.
core-webhook-add = Empfänger hinzufügen
core-webhook-change = Ändern
core-webhook-save = Speichern
core-webhook-cancel = Abbrechen
core-webhook-endpoint = Empfänger
core-webhook-url = Adresse
core-webhook-url-hint = Wohin die Nachrichten gehen. Sie beginnt mit https:// und ist von überall erreichbar.
core-webhook-description = Name
core-webhook-description-hint = Wie Sie ihn nennen.
core-webhook-events = Ereignisse
core-webhook-events-all = alle
core-webhook-events-hint = Wählen Sie, wovon er erfährt. Ist nichts gewählt, erfährt er von allen, auch von künftigen.
core-webhook-event = Ereignis
core-webhook-state = Zustand
core-webhook-state-active = Aktiv
core-webhook-state-trouble = Gestört
core-webhook-state-paused = Angehalten
core-webhook-state-gone = Aufgelöst
core-webhook-state-failing = Abgeschaltet
core-webhook-gone-text = Er hat geantwortet, dass es ihn nicht mehr gibt (410), darum wird nichts mehr gesendet. Was er inzwischen verpasst, wird nicht nachgeholt.
core-webhook-failing-text = Seit fünf Tagen kam nichts an, darum wird nichts mehr gesendet. Was er inzwischen verpasst, wird nicht nachgeholt.
core-webhook-paused-text = Bis er fortgesetzt wird, wird nichts gesendet. Was inzwischen geschieht, wird nicht nachgeholt.
core-webhook-trouble-text = Die letzte Nachricht kam nicht an. Sie wird erneut gesendet; nach fünf Tagen ohne jeden Erfolg wird der Empfänger abgeschaltet.
core-webhook-test = Test senden
core-webhook-pause = Anhalten
core-webhook-resume = Fortsetzen
core-webhook-secret = Das Geheimnis
core-webhook-secret-label = Nachrichten sind signiert mit
core-webhook-secret-text = Wer es kennt, kann sich für uns ausgeben. Bewahren Sie es nur dort auf, wo der Empfänger es liest.
core-webhook-reveal = Geheimnis zeigen
core-webhook-rotate = Neues Geheimnis
core-webhook-rotate-ask = 24 Stunden lang werden Nachrichten auch mit dem alten signiert, damit beim Wechsel nichts verloren geht.
core-webhook-rotate-do = Neues Geheimnis erzeugen
core-webhook-remove = Entfernen
core-webhook-remove-ask = „{ $name }“ nichts mehr mitteilen? Was für ihn wartet, verfällt, und sein Protokoll wird gelöscht.
core-webhook-remove-do = Empfänger entfernen
core-webhook-deliveries = Nachrichten
core-webhook-deliveries-empty-title = Noch wurde nichts gesendet
core-webhook-deliveries-empty-text = Das nächste Ereignis oder ein Test erscheint hier, mit der Antwort des Empfängers.
core-webhook-delivery-waiting = Wartet
core-webhook-delivery-sending = Wird gesendet
core-webhook-delivery-delivered = Zugestellt
core-webhook-delivery-failed = Gescheitert
core-webhook-next = Nächster Versuch
core-webhook-sent = Gesendet, ohne was nach einem Geheimnis aussieht
core-webhook-sent-hidden = Was gesendet wurde, sieht, wer von dem Ereignis erfahren darf.
core-webhook-attempts = Versuche
core-webhook-attempts-none = noch keiner
core-webhook-error-unreachable = nicht erreichbar
core-webhook-error-timeout = keine Antwort in der Zeit
core-webhook-error-internal = unser Fehler
core-webhook-replay = Erneut senden
core-webhook-error-url = Diese Adresse geht nicht. Sie muss mit https:// beginnen und von überall erreichbar sein.
core-webhook-error-description = Der Name darf 200 Zeichen haben, darunter keine Steuerzeichen.
core-webhook-error-events = Wählen Sie aus der Liste.
core-webhook-error-events-forbidden = Ihre Rolle lässt Sie nicht alle diese Ereignisse selbst sehen.
core-webhook-error-too-many = Mehr Empfänger sind nicht möglich. Entfernen Sie einen, der nicht mehr gebraucht wird.

# Chat-Kanäle
core-chat = Chat-Kanäle
core-chat-text = Slack, Mattermost, Rocket.Chat, Discord oder ein eigenes Programm: Orte, die erfahren, was geschieht.
core-chat-empty-title = Noch erfährt kein Chat etwas
core-chat-empty-text = Fügen Sie die Adresse eines eingehenden Webhooks hinzu, dann steht dort, was geschieht, wo Ihre Leute miteinander reden.
core-chat-add = Kanal hinzufügen
core-chat-change = Ändern
core-chat-save = Speichern
core-chat-cancel = Abbrechen
core-chat-channel = Kanal
core-chat-format = Wie er Nachrichten annimmt
core-chat-format-slack = Wie Slack
core-chat-format-slack-hint = Slack, Mattermost, Rocket.Chat; Discord, mit /slack hinter der Adresse.
core-chat-format-json = JSON
core-chat-format-json-hint = Für ein eigenes Programm, mit einer Kennung, an der es Wiederholungen erkennt.
core-chat-name = Name
core-chat-name-hint = Wie Sie ihn nennen, etwa #bereitschaft.
core-chat-address = Adresse
core-chat-address-hint = Der eingehende Webhook. Sie beginnt mit https://. Wer sie kennt, kann dort schreiben; darum bleibt sie geheim und wird nie wieder gezeigt.
core-chat-address-keep = Sie ist geheim und wird nicht gezeigt. Lassen Sie das Feld leer, um sie zu behalten, oder geben Sie eine andere ein.
core-chat-kinds = Er erfährt davon, wenn
core-chat-kinds-all = irgendetwas geschieht
core-chat-kinds-hint = Wählen Sie, wovon er erfährt. Ist nichts gewählt, erfährt er von allem, auch von Künftigem.
core-chat-severity = Wenn es mindestens so wichtig ist
core-chat-severity-hint = Was weniger wichtig ist, wird dort nicht gemeldet. Jede Art ist immer gleich wichtig: siehe die Liste der Ereignisse.
core-chat-severity-least = mindestens: { $severity }
core-chat-state = Zustand
core-chat-state-active = Aktiv
core-chat-state-failing = Nichts kommt an
core-chat-state-paused = Angehalten
core-chat-state-refused = Abgeschaltet
core-chat-refused-text = Die Adresse hat geantwortet, dass dort niemand mehr ist, darum wird nichts mehr gesendet. Geben Sie eine andere ein und setzen Sie ihn dann fort. Was er inzwischen verpasst, wird nicht nachgeholt.
core-chat-failing-text = Eine Nachricht wurde aufgegeben. Was als Nächstes geschieht, wird trotzdem gesendet; unten steht, was geantwortet wurde.
core-chat-paused-text = Bis er fortgesetzt wird, wird nichts gesendet. Was inzwischen geschieht, wird nicht nachgeholt.
core-chat-test = Test senden
core-chat-test-kind = Test
core-chat-test-text = Das ist ein Test. Nachrichten kommen hier an.
core-chat-pause = Anhalten
core-chat-resume = Fortsetzen
core-chat-remove = Entfernen
core-chat-remove-ask = „{ $name }“ nichts mehr mitteilen? Was für ihn wartet, verfällt.
core-chat-remove-do = Kanal entfernen
core-chat-last = Letzte Nachricht
core-chat-last-none = noch keine
core-chat-messages = Nachrichten
core-chat-messages-empty-title = Noch wurde nichts gesendet
core-chat-messages-empty-text = Was als Nächstes geschieht, oder ein Test, erscheint hier.
core-chat-kind = Was geschah
core-chat-answer = Antwort
core-chat-attempts = Versuche
core-chat-next = Nächster Versuch
core-chat-answered = mit { $status } abgelehnt
core-chat-message-waiting = Wartet
core-chat-message-delivered = Zugestellt
core-chat-message-failed = Aufgegeben
core-chat-message-dropped = Verfallen
core-chat-error-unreachable = nicht erreichbar
core-chat-error-timeout = keine Antwort in der Zeit
core-chat-error-expired = hat zu lange gewartet
core-chat-error-internal = unser Fehler
core-chat-error-name = Geben Sie ihm einen Namen mit bis zu 80 Zeichen, darunter keine Steuerzeichen.
core-chat-error-address = Diese Adresse geht nicht. Sie muss mit https:// beginnen und von überall erreichbar sein.
core-chat-error-kinds = Wählen Sie aus der Liste.
core-chat-error-kinds-forbidden = Ihre Rolle lässt Sie all das nicht selbst erfahren.
core-chat-error-too-many = Mehr Kanäle sind nicht möglich. Entfernen Sie einen, der nicht mehr gebraucht wird.

# Notifications
core-notifications = Mitteilungen
core-notifications-unread = { $count ->
    [one] ungelesene Mitteilung
   *[other] ungelesene Mitteilungen
}
core-notification-new = Neu:
core-notifications-read-all = Alle als gelesen markieren
core-notifications-empty-title = Noch nichts
core-notifications-empty-text = Wenn etwas geschieht, das Sie wissen wollen, steht es hier.
core-notification-preferences = Was Ihnen mitgeteilt wird
core-notification-preferences-text = In dieser Organisation, und nur für Sie.
core-notification-kind = Was geschieht
core-notification-list = In der Liste
core-notification-listed = Anzeigen
core-notification-mail = Per E-Mail
core-notification-now = Sofort
core-notification-daily = Einmal am Tag
core-notification-off = Nie
core-notification-mandatory = immer
core-notification-push = In Browsern
core-notification-pushed = Melden
core-push-this = Dieser Browser
core-push-text = Erfahren Sie es sofort auf diesem Gerät, auch wenn keine Seite von uns offen ist. Aus allen Ihren Organisationen, was in jeder oben angekreuzt ist.
core-push-on = Sie erfahren es hier, bis Sie sich abmelden.
core-push-off = Hier wird Ihnen nichts gemeldet.
core-push-none = Diesem Browser kann nichts gemeldet werden. Legen Sie die Seite auf einem Telefon zuerst auf den Startbildschirm.
core-push-denied = Dieser Browser lässt uns nichts melden. Das können Sie in seinen Einstellungen für diese Seite ändern.
core-push-failed = Das hat nicht geklappt. Der Browser konnte seinen Push-Dienst nicht erreichen, oder wir waren nicht erreichbar. Es hat sich nichts geändert.
core-push-without-script = Dafür braucht es ein Skript, das Ihr Browser nicht ausführt.
core-push-start = Auf diesem Gerät melden
core-push-stop = Nicht mehr
core-push-browsers = Wo Ihnen gemeldet wird
core-push-since = Seit
core-push-current = dieser
core-push-remove = Entfernen
core-push-unknown = Ein unbekannter Browser
core-device = { $browser } unter { $system }
core-notification-save = Speichern
core-notification-back = Zurück zur Liste
core-notice-chat-failed = Beim Chat-Kanal „{ $name }“ kommen keine Nachrichten mehr an.
core-notice-chat-failed-label = Bei einem Chat-Kanal kommt nichts an
core-notice-webhook-disabled = Der Webhook an { $host } wurde abgeschaltet.
core-notice-webhook-disabled-label = Ein Webhook wurde abgeschaltet
core-unsubscribe = Keine solchen E-Mails mehr
core-unsubscribe-text = Sie bekommen hierzu keine E-Mails mehr. In der Liste im Produkt steht es weiterhin.
core-unsubscribe-do = Diese E-Mails beenden
core-unsubscribed = Erledigt. Sie bekommen hierzu keine E-Mails mehr.
core-mail-notice-do = Ansehen, was geschehen ist
core-mail-notice-why = Sie erhalten diese E-Mail, weil Sie Mitglied von { $organization } sind.

core-mail-settings = E-Mail
core-mail-settings-text = Wie die E-Mails aussehen, die die Personen Ihrer Organisation bekommen, und wer keine bekommt.
core-mail-brand-name = Im Namen von
core-mail-brand-name-hint = Steht als Name des Absenders und über jeder E-Mail. Leer: der Name des Produkts.
core-mail-brand-logo = Bild
core-mail-brand-logo-hint = Die https-Adresse eines Bildes, das an der Stelle des Namens steht.
core-mail-brand-color = Farbe der Knöpfe
core-mail-brand-color-hint = Wie #3d4fcf. Was darauf steht, ist schwarz oder weiß, je nachdem, was sich besser lesen lässt.
core-mail-brand-locale = Sprache
core-mail-brand-locale-none = Englisch, solange jemand keine eigene gewählt hat
core-mail-brand-save = Speichern
core-mail-error-name = Geben Sie eine Zeile mit bis zu 100 Zeichen ein.
core-mail-error-logo = Geben Sie eine Adresse ein, die mit https:// beginnt und bis zu 500 Zeichen hat.
core-mail-error-color = Schreiben Sie eine Farbe wie #3d4fcf.
core-mail-error-locale = Diese Sprache gibt es nicht.
core-mail-undelivered = Mitglieder, die keine E-Mails bekommen
core-mail-undelivered-text = E-Mails an diese Adressen kamen zurück, oder jemand hat dem eigenen Anbieter gesagt, dass sie unerwünscht sind.
core-mail-undelivered-none = E-Mails gehen an alle Ihre Mitglieder.
core-mail-undelivered-member = Mitglied
core-mail-undelivered-reason = Warum
core-mail-undelivered-since = Seit
core-mail-undelivered-bounce = Es gibt kein solches Postfach
core-mail-undelivered-complaint = Unerwünscht gemeldet
core-mail-undelivered-lift = Wieder senden
core-language-en = Englisch
core-language-de = Deutsch

permission-audit-read = Das Protokoll lesen
permission-chat-read = Chat-Kanäle sehen
permission-chat-write = Chat-Kanäle hinzufügen und entfernen
permission-event-replay = Erneut melden, was nicht gemeldet werden konnte
permission-file-read = Dateien sehen
permission-file-write = Dateien hinzufügen und löschen
permission-mail-write = Das Aussehen von E-Mails bestimmen und sie wieder senden lassen
permission-webhook-read = Webhooks sehen
permission-webhook-write = Webhooks hinzufügen und entfernen
