# Tenancy: Organisationen, Mitglieder und Rollen.

role-owner = Leitung
role-admin = Verwaltung
role-member = Mitglied
role-viewer = Lesezugriff

tenancy-new-first-title = Wie heißt Ihre Organisation?
tenancy-new-first-text = Sie umfasst alles, was Sie mit anderen teilen. Sie können mehrere haben.
tenancy-new-another-title = Neue Organisation
tenancy-new-another-text = Sie beginnt leer und teilt nichts mit Ihren anderen.
tenancy-new-name = Name
tenancy-new-name-hint = Eine Firma, ein Team oder einfach Ihr eigener Name.
tenancy-new-do = Organisation erstellen
tenancy-new-verified = Ich habe sie bestätigt

tenancy-error-name-required = Geben Sie der Organisation einen Namen.
tenancy-error-name-long = Dieser Name ist zu lang: Verwenden Sie höchstens 100 Zeichen.
tenancy-error-last-owner = Eine Organisation braucht eine Leitung. Übertragen Sie die Leitung zuerst auf jemand anderen.
tenancy-error-unverified = Bestätigen Sie zuerst Ihre Adresse: Öffnen Sie den Link in der E-Mail, die wir Ihnen geschickt haben.
tenancy-error-owner-only = Nur die Leitung kann jemandem die Leitung geben oder nehmen.
tenancy-error-role-unknown = Diese Rolle gibt es nicht.

tenancy-list-text = Sie arbeiten immer in einer Organisation und sehen nur, was zu ihr gehört.
tenancy-list-active = Aktiv
tenancy-list-switch = Wechseln
tenancy-list-empty-title = Sie gehören noch zu keiner Organisation
tenancy-list-empty-text = Erstellen Sie eine, oder lassen Sie sich in eine bestehende aufnehmen.

tenancy-members-title = Mitglieder
tenancy-members-text = Wer sehen und ändern darf, was zu { $organization } gehört.
tenancy-members-person = Person
tenancy-members-role = Rolle
tenancy-members-role-of = Rolle von { $name }
tenancy-members-since = Dabei seit
tenancy-members-you = Sie
tenancy-members-change = Ändern
tenancy-members-remove = Entfernen
tenancy-members-remove-ask = { $name } sieht dann nichts mehr von { $organization }. Was hier getan wurde, bleibt erhalten.
tenancy-members-remove-do = Mitglied entfernen
tenancy-members-leave = Verlassen
tenancy-members-leave-ask = Sie sehen dann nichts mehr von { $organization }. Nur die Mitglieder können Sie wieder aufnehmen.
tenancy-members-leave-do = Organisation verlassen
tenancy-members-last-owner = Die einzige Leitung bleibt, denn eine Organisation braucht eine.
tenancy-members-last-owner-self = Sie allein leiten die Organisation. Übertragen Sie die Leitung auf jemand anderen, bevor Sie gehen.

tenancy-workspaces = Bereiche
tenancy-workspaces-title = Bereiche
tenancy-workspaces-text = Die Teile Ihrer Organisation, etwa Standorte oder Projekte. Wer zur Organisation gehört, sieht alle.
tenancy-workspaces-since = Seit
tenancy-workspaces-rename = Umbenennen
tenancy-workspaces-rename-do = Namen speichern
tenancy-workspaces-new = Neuer Bereich
tenancy-workspaces-new-hint = Zum Beispiel „Lager“ oder „Büro Berlin“.
tenancy-workspaces-new-do = Bereich anlegen
tenancy-workspace-error-name-required = Geben Sie dem Bereich einen Namen.
tenancy-workspace-error-taken = Ein anderer Bereich heißt schon so.

tenancy-security-title = Sicherheit
tenancy-security-text = Was { $organization } von den Mitgliedern verlangt.
tenancy-second-factor = Zweiter Faktor
tenancy-second-factor-text = Lässt nur herein, wer bei der Anmeldung einen Code aus einer Authentifizierungs-App gezeigt hat. Alle anderen werden zum Einrichten geführt.
tenancy-second-factor-required = Wird verlangt
tenancy-second-factor-on = Verlangen
tenancy-second-factor-ask = Mitglieder ohne zweiten Faktor sehen nichts von der Organisation, bis sie einen eingerichtet haben.
tenancy-second-factor-on-do = Von allen Mitgliedern verlangen
tenancy-second-factor-off = Nicht mehr verlangen
tenancy-second-factor-own = Mein zweiter Faktor
tenancy-security-error-own = Richten Sie zuerst selbst einen zweiten Faktor ein, sonst sperren Sie sich aus.
