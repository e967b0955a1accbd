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
core-time = { core-date }, { $time } UTC

core-skip = Zum Inhalt springen
core-navigation = Hauptnavigation
core-account = Konto
core-signed-in-as = Angemeldet als
core-sessions = Ihre Anmeldungen
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
core-live-without-script = Laden Sie die Seite neu, um Änderungen zu sehen.
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
core-problem-limit-reached-title = Die Grenze Ihres Tarifs ist erreicht
core-problem-limit-reached-text = Entfernen Sie etwas, das Sie nicht mehr brauchen, oder wählen Sie einen größeren Tarif.
core-problem-forbidden-title = Das dürfen Sie nicht
core-problem-forbidden-text = Ihre Rolle erlaubt es nicht. Die Leitung der Organisation kann Ihre Rolle ändern.
core-problem-not-found-title = Diese Seite gibt es nicht
core-problem-not-found-text = Sie wurde vielleicht entfernt, oder sie gehört zu einer anderen Organisation als der aktiven.
core-problem-method-not-allowed-title = Das geht hier nicht
core-problem-method-not-allowed-text = Gehen Sie zurück und verwenden Sie die Schaltflächen der Seite.
core-problem-conflict-title = Jemand war schneller
core-problem-conflict-text = Inzwischen hat sich etwas geändert. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
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
