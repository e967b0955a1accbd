# Monitoring: Startseite, Agenten und Geräte.

monitoring-home-title = Wissen, was in Ihrem Netz ist
monitoring-home-text = Ein kleiner Agent findet jedes Gerät, prüft alle zweimal in der Minute und zeigt sofort, wenn eines verstummt.
monitoring-home-do = Kostenlos beginnen
monitoring-home-devices = Zu Ihren Geräten
monitoring-home-free = Kostenlos für einen Agenten und 50 Geräte. Ohne Zahlungsdaten.
monitoring-home-pricing = Sehen, was mehr kostet.
monitoring-home-example = Beispiel einer Geräteliste
monitoring-home-example-router = Router
monitoring-home-example-printer = Drucker, 2. Stock
monitoring-home-example-camera = Kamera am Eingang
monitoring-home-example-files = Dateiserver
monitoring-home-account-title = Konto erstellen
monitoring-home-account-text = Eine Adresse und ein Passwort. Andere können Ihrer Organisation später beitreten.
monitoring-home-agent-title = Agent starten
monitoring-home-agent-text = Ein Befehl auf einem Linux-Rechner des Netzes, das Sie beobachten wollen.
monitoring-home-watch-title = Geräte sehen
monitoring-home-watch-text = Sie erscheinen binnen einer Minute, und ihr Zustand ist immer aktuell.

monitoring-devices = Geräte
monitoring-device = Gerät
monitoring-agents = Agenten
monitoring-agent = Agent
monitoring-members = Mitglieder
monitoring-state = Zustand
monitoring-state-all = Alle
monitoring-state-up = Erreichbar
monitoring-state-down = Ausgefallen
monitoring-state-unknown = Noch nicht geprüft
monitoring-since = Seit
monitoring-last-seen = Zuletzt gesehen
monitoring-never = Noch nie
monitoring-filter = Nach Zustand filtern
monitoring-search = Geräte nach Name oder Adresse suchen
monitoring-search-hint = Name oder Adresse
monitoring-search-do = Suchen
monitoring-devices-empty-title = Noch keine Geräte
monitoring-devices-empty-text = Ein Agent in Ihrem Netz findet sie für Sie. Fügen Sie einen hinzu: Das dauert eine Minute.
monitoring-devices-searching-title = Noch keine Geräte
monitoring-devices-searching-text = Sobald ein Agent verbunden ist, durchsucht er sein Netz. Die ersten Geräte erscheinen hier von selbst.
monitoring-devices-searching-do = Zu Ihren Agenten
monitoring-devices-no-match-title = Kein Gerät passt dazu
monitoring-devices-no-match-text = Versuchen Sie einen anderen Namen oder eine andere Adresse, oder sehen Sie sich alle Geräte an.
monitoring-devices-no-match-do = Alle Geräte zeigen

monitoring-agents-text = Ein Agent läuft in einem Netz, findet dessen Geräte und prüft sie.
monitoring-agents-empty-title = Noch keine Agenten
monitoring-agents-empty-text = Fügen Sie einen hinzu und führen Sie einen einzigen Befehl auf einem Rechner des Netzes aus, das Sie beobachten wollen.
monitoring-usage-agents = { $used } von { $limit } Agenten Ihres Tarifs
monitoring-usage-agents-unlimited = { $used ->
    [one] Ein Agent
   *[other] { $used } Agenten
  }
monitoring-agent-name = Name
monitoring-agent-name-hint = Wo er laufen wird, zum Beispiel „Büro Berlin“.
monitoring-agent-add = Agent hinzufügen
monitoring-agent-add-text = Geben Sie ihm einen Namen. Danach erhalten Sie den Befehl zum Starten.
monitoring-agent-add-do = Agent hinzufügen
monitoring-agent-full = { $limit ->
    [one] Ihr Tarif umfasst einen Agenten, und den haben Sie. Entfernen Sie ihn, um einen anderen hinzuzufügen.
   *[other] Ihr Tarif umfasst { $limit } Agenten, und die haben Sie. Entfernen Sie einen, um einen anderen hinzuzufügen.
  }
monitoring-agent-full-do = Zu Ihren Agenten
monitoring-agent-full-plans = Tarife vergleichen
monitoring-agent-error-name-required = Geben Sie dem Agenten einen Namen.
monitoring-agent-error-name-long = Dieser Name ist zu lang: Verwenden Sie höchstens 100 Zeichen.
monitoring-agent-waiting = Wartet
monitoring-agent-connected = Verbunden
monitoring-agent-offline = Getrennt
monitoring-agent-revoked = Entfernt
monitoring-agent-revoke = Entfernen
monitoring-agent-revoke-ask = { $name } hört sofort auf, und der Schlüssel gilt nie wieder. Die gefundenen Geräte werden mit entfernt.
monitoring-agent-revoke-do = Agent entfernen

monitoring-key-title = { $name } starten
monitoring-key-text = Kopieren Sie diesen Befehl und führen Sie ihn auf einem Rechner des Netzes aus.
monitoring-key-command = Befehl
monitoring-key-network = Ändern Sie den letzten Teil, wenn Ihr Netz einen anderen Adressbereich hat.
monitoring-key-from-source = Wenn der Agent nicht installiert ist, beginnen Sie im Ordner des Quelltextes statt mit dem ersten Wort hiermit:
monitoring-key-once = Der Schlüssel in diesem Befehl wird nur jetzt gezeigt. Wenn Sie ihn verlieren, erstellen Sie auf der Seite des Agenten einen neuen.
monitoring-key-connection = Verbindung
monitoring-key-waiting = Wir warten auf Ihren Agenten …
monitoring-key-waiting-text = Das wird grün, sobald er sich verbunden hat, meist binnen Sekunden.
monitoring-key-found = { $count ->
    [0] Er sucht nach Geräten.
    [one] Bisher ein Gerät gefunden.
   *[other] Bisher { $count } Geräte gefunden.
  }
monitoring-key-devices = Zu Ihren Geräten

monitoring-workspace = Bereich
monitoring-workspaces = Bereiche
monitoring-agent-error-workspace = Wählen Sie einen der Bereiche.
monitoring-agent-error-allowed = Geben Sie höchstens 32 Adressen oder Netze ein, etwa 203.0.113.7 oder 203.0.113.0/24, mit Kommas getrennt.
monitoring-agent-more = Weitere Einstellungen
monitoring-agent-allowed = Erlaubte Adressen
monitoring-agent-allowed-hint = Die öffentlichen Adressen oder Netze, von denen sich dieser Agent verbinden darf, mit Kommas getrennt. Leer heißt: von überall.
monitoring-agent-allowed-anywhere = Alle
monitoring-agent-allowed-do = Adressen speichern
monitoring-agent-about = Über diesen Agenten
monitoring-agent-watches = Überwacht
monitoring-agent-machine = Rechner
monitoring-agent-key = Schlüssel
monitoring-agent-key-begins = Beginnt mit
monitoring-agent-key-made = Erstellt
monitoring-agent-key-used = Zuletzt benutzt
monitoring-agent-key-text = Ein Rechner braucht den Schlüssel nur für die erste Verbindung. Erstellen Sie einen neuen, wenn Sie ihn verloren haben oder jemand anders ihn gesehen haben könnte.
monitoring-agent-key-new = Neuer Schlüssel
monitoring-agent-key-ask = Sie erhalten einen neuen Befehl. Der verbundene Rechner arbeitet in jedem Fall weiter.
monitoring-agent-key-overlap-label = Der alte Schlüssel gilt
monitoring-agent-key-overlap = { $hours ->
    [0] ab sofort nicht mehr
    [one] noch eine Stunde
    [24] noch einen Tag
    [168] noch eine Woche
   *[other] noch { $hours } Stunden
  }
monitoring-agent-key-new-do = Schlüssel erstellen
monitoring-key-again-text = Um einen Rechner mit dem neuen Schlüssel zu verbinden, führen Sie diesen Befehl dort aus. Ein Rechner, der schon verbunden ist, braucht nichts.
monitoring-key-previous = Der alte Schlüssel gilt bis

monitoring-notice-agent-offline = Agent „{ $name }“ ist offline.
monitoring-notice-agent-offline-label = Ein Agent geht offline
monitoring-notice-devices-down = { $down ->
    [one] { $one_down } ist ausgefallen.
   *[other] { $one_down } und andere sind ausgefallen, zusammen { $down } Geräte.
}
monitoring-notice-devices-down-label = Ein Gerät fällt aus
monitoring-notice-limit-near = { $meter ->
    [agents] Agenten: { $used } von { $limit } sind belegt.
    [devices] Geräte: { $used } von { $limit } sind belegt.
    [seats] Personen: { $used } von { $limit } sind da.
   *[other] Ihr Tarif ist fast ausgeschöpft: { $used } von { $limit }.
  }
monitoring-notice-limit-near-label = Eine Grenze ist fast erreicht
monitoring-notice-member-joined = Jemand ist der Organisation beigetreten.
monitoring-notice-member-joined-label = Jemand tritt der Organisation bei

monitoring-scope-watching = Agenten und Geräte
monitoring-scope-device-read = Agenten und Geräte sehen
monitoring-scope-agent-write = Agenten hinzufügen, ändern und entfernen
monitoring-scope-file-read = Dateien sehen und herunterladen
monitoring-scope-file-write = Dateien hinzufügen und löschen
monitoring-scope-webhook-read = Webhooks und ihre Zustellungen sehen
monitoring-scope-webhook-write = Webhooks hinzufügen, ändern und entfernen
monitoring-scope-organization = Organisation
monitoring-scope-member-read = Sehen, wer ihr angehört
monitoring-scope-workspace-read = Bereiche sehen
monitoring-scope-workspace-write = Bereiche hinzufügen und umbenennen
monitoring-scope-audit-read = Das Protokoll lesen

monitoring-plan-free = Free
monitoring-plan-free-text = Für das eigene Netz: alles, um zu wissen, was läuft.
monitoring-plan-team = Team
monitoring-plan-team-text = Für mehrere Standorte und alle, die sich um sie kümmern.
monitoring-plan-business = Business
monitoring-plan-business-text = Für viele Standorte und für Prüfer: das Protokoll bleibt sieben Jahre.
monitoring-feature-custom-roles = Eigene Rollen
monitoring-meter-seats = Personen
monitoring-meter-agents = Agenten
monitoring-meter-devices = Geräte
monitoring-meter-api-requests = API-Anfragen
monitoring-meter-readings = Messwerte
monitoring-meter-devices-found = Neu gefundene Geräte
monitoring-meter-audit-days = Tage im Protokoll

permission-monitoring-device-read = Agenten und Geräte sehen
permission-monitoring-agent-write = Agenten hinzufügen und entfernen
permission-monitoring-agent-share = Agenten für Mitglieder freigeben

kind-monitoring-agent = Agent

monitoring-flag-latency = Zeigen, wie schnell jedes Gerät antwortet
monitoring-latency = { $milliseconds } ms
monitoring-agent-share = Diesen Agenten freigeben

monitoring-start-organization = Organisation benennen
monitoring-start-organization-text = Sie umfasst alles, was Sie mit anderen teilen.
monitoring-start-organization-do = Einstellungen öffnen
monitoring-start-plan = Tarif wählen
monitoring-start-plan-text = Der kostenlose Tarif läuft nicht ab. Einen größeren können Sie ausprobieren, bevor er etwas kostet.
monitoring-start-plan-do = Tarife ansehen
monitoring-start-agent = Ersten Agenten hinzufügen
monitoring-start-agent-text = Ein kleines Programm auf einem beliebigen Rechner Ihres Netzes. Sie bekommen den Befehl, der es startet.
monitoring-start-agent-do = Agent hinzufügen
monitoring-start-connection = Auf den Agenten warten
monitoring-start-connection-text = Führen Sie den Befehl auf einem Rechner Ihres Netzes aus. Diese Seite merkt von selbst, wenn er sich meldet.
monitoring-start-connection-do = Agenten zeigen
monitoring-start-connection-waiting = Warten auf den Agenten
monitoring-start-devices = Geräte sehen
monitoring-start-devices-text = Der Agent durchsucht sein Netz und meldet, was antwortet.
monitoring-start-devices-do = Geräte zeigen
monitoring-start-devices-waiting = Geräte werden gesucht
monitoring-start-team = Team einladen
monitoring-start-team-text = Andere sehen, was Sie sehen, und erfahren, wenn etwas ausfällt.
monitoring-start-team-do = Personen einladen
monitoring-start-explore = Umsehen
monitoring-start-explore-text = Ab jetzt sehen Sie zuerst Ihre Geräte.
monitoring-start-explore-do = Meine Geräte zeigen
