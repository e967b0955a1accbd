# Auth: Registrierung, Anmeldung, Bestätigung, Passwörter, Sitzungen und ihre E-Mails.

auth-name = Ihr Name
auth-email = E-Mail
auth-password = Passwort
auth-password-hint = Mindestens { $minimum } Zeichen. Mehrere Wörter hintereinander sind leicht zu merken und schwer zu erraten.
auth-password-show = Zeigen
auth-password-current = Bisheriges Passwort
auth-password-new = Neues Passwort
auth-remember = 30 Tage angemeldet bleiben

auth-sign-up-title = Konto erstellen
auth-sign-up-text = Das dauert eine Minute. Ohne Zahlungsdaten.
auth-sign-up-do = Konto erstellen
auth-sign-up-have = Sie haben schon ein Konto?
auth-sign-in-title = Anmelden
auth-sign-in-heading = Bei { $product } anmelden
auth-sign-in-do = Anmelden
auth-sign-in-new = Neu hier?
auth-sign-in-mail-do = Link oder Code zusenden
auth-sign-in-link-text = Drücken Sie den Knopf, um sich hier anzumelden.
auth-sign-in-link-first = Diese Adresse hat noch niemand bestätigt. Mit der Anmeldung ist sie bestätigt; ein Passwort, das bei der Registrierung gewählt wurde, gilt dann nicht mehr.
auth-sign-in-link-guarded = Geben Sie Ihr Passwort ein. Mit diesem Link wird es angenommen, was auch immer andere versucht haben.
auth-sign-in-sent-title = Sehen Sie in Ihre Post
auth-sign-in-sent-text = Öffnen Sie den Link darin auf irgendeinem Gerät, oder geben Sie hier den Code ein. Nach einer Minute noch nichts da? Sehen Sie im Spam-Ordner nach.
auth-sign-in-code = Code
auth-sign-in-code-hint = Acht Ziffern. Sie gelten nur in diesem Browser.
auth-forgot = Passwort vergessen?

auth-error-throttled = Zu viele Anmeldungen sind fehlgeschlagen. Warten Sie { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  }, oder lassen Sie sich eine E-Mail zum Anmelden senden.
auth-error-link = Dieser Link oder Code gilt nicht: Er wurde schon benutzt, ist zu alt oder gehört woandershin.
auth-error-code = Geben Sie die acht Ziffern aus der E-Mail ein.
auth-error-code-throttled = Der Code war zu oft falsch. Benutzen Sie den Link in der E-Mail. Oder warten Sie { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und fordern Sie eine neue an.
auth-error-attempts = Das Passwort war zu oft falsch. Warten Sie { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und versuchen Sie es dann noch einmal.
auth-error-credentials = Die Adresse oder das Passwort ist falsch.
auth-error-name-required = Geben Sie Ihren Namen ein.
auth-error-name-long = Dieser Name ist zu lang.
auth-error-characters = Entfernen Sie unsichtbare Zeichen wie Zeilenumbrüche.
auth-error-choice = Wählen Sie aus der Liste.
auth-error-email-invalid = Geben Sie eine Adresse wie name@example.com ein.
auth-error-email-same = Das ist die Adresse, die Sie haben.
auth-error-password-required = Geben Sie Ihr Passwort ein.
auth-error-password-other = Das ist nicht das Passwort, das bei der Registrierung gewählt wurde.
auth-error-password-wrong = Das ist nicht Ihr Passwort.
auth-error-password-short = Dieses Passwort ist zu kurz: Verwenden Sie mindestens { $minimum } Zeichen.
auth-error-password-long = Dieses Passwort ist zu lang: Verwenden Sie höchstens { $maximum } Zeichen.
auth-error-password-weak = Dieses Passwort ist leicht zu erraten. Fügen Sie noch ein oder zwei Wörter hinzu.
auth-error-password-breached = Dieses Passwort steht in einer Liste gestohlener Passwörter. Wählen Sie ein anderes.
auth-error-password-classes = Verwenden Sie einen Großbuchstaben, einen Kleinbuchstaben und eine Ziffer.
auth-error-password-personal = Verwenden Sie weder Ihren Namen noch Ihre Adresse im Passwort.

auth-verify-sent-title = Sehen Sie in Ihre Post
auth-verify-sent-to = Wir haben eine Nachricht geschickt an
auth-verify-sent-text = Öffnen Sie den Link darin und bestätigen Sie so, dass die Adresse Ihnen gehört. Das geht auf jedem Gerät.
auth-verify-nothing = Nach einer Minute noch nichts da? Sehen Sie im Spam-Ordner nach oder lassen Sie die E-Mail noch einmal senden.
auth-verify-resend = Noch einmal senden
auth-verify-resent = Noch einmal gesendet. Es kann eine Minute dauern, bis die E-Mail ankommt.
auth-verify-wrong = Falsche Adresse?
auth-verify-again = Von vorn beginnen
auth-verify-ready-title = Bestätigen Sie Ihre Adresse
auth-verify-ready-text = Geben Sie das Passwort ein, das Sie bei der Registrierung gewählt haben. Dann ist Ihr Konto bereit.
auth-verify-do = Bestätigen und anmelden
auth-verify-new = Vergessen, oder haben Sie sich gar nicht selbst registriert?
auth-verify-new-text = Wählen Sie ein eigenes Passwort. Das bisher gewählte gilt dann nicht mehr, und wer damit angemeldet ist, wird abgemeldet.
auth-verify-new-do = Passwort setzen und anmelden
auth-verify-confirmed-title = Ihre Adresse ist bestätigt
auth-verify-confirmed-text = Dieser Link wurde schon verwendet, und Ihr Konto ist bereit.
auth-verify-confirmed-do = Weiter
auth-verify-expired-title = Dieser Link gilt nicht mehr
auth-verify-expired-text = Er wurde schon verwendet oder ist zu alt. Wenn Sie Ihre Adresse bestätigt haben, melden Sie sich einfach an. Sonst lassen Sie sich einen neuen Link senden.

auth-reset-ask-title = Neues Passwort wählen
auth-reset-ask-text = Geben Sie die Adresse ein, mit der Sie sich anmelden. Wir schicken Ihnen einen Link.
auth-reset-ask-do = Link senden
auth-reset-sent-title = Sehen Sie in Ihre Post
auth-reset-sent-text = Öffnen Sie den Link darin und wählen Sie ein neues Passwort. Bis dahin gilt das alte. Nach einer Minute noch nichts da? Sehen Sie im Spam-Ordner nach.
auth-reset-ready-title = Neues Passwort wählen
auth-reset-ready-text = Beim Speichern werden Sie überall abgemeldet. Danach melden Sie sich mit dem neuen Passwort an.
auth-reset-do = Neues Passwort speichern
auth-reset-expired-title = Dieser Link gilt nicht mehr
auth-reset-expired-text = Er wurde schon verwendet, ist zu alt, oder Ihr Passwort wurde inzwischen geändert. Lassen Sie sich einen neuen Link senden.
auth-reset-done-title = Ihr Passwort wurde geändert
auth-reset-done-text = Sie sind überall abgemeldet. Melden Sie sich mit dem neuen Passwort an.
auth-reset-back = Zurück zur Anmeldung

auth-security-text = Was Ihr Konto schützt.
auth-security-others = Alle anderen Browser werden abgemeldet, und Sie erhalten eine Nachricht per E-Mail.
auth-security-do = Passwort ändern
auth-security-none = Ihr Konto hat kein Passwort: Sie melden sich anders an. Mit einem Link, den wir Ihnen mailen, können Sie eines wählen.
auth-security-none-do = Passwort wählen
auth-security-sessions = Anmeldungen ansehen

auth-operators-text = Sie betreiben { $product }, neben allen Organisationen. Wer sich um die Server kümmert, benennt sie auf der Kommandozeile, mit „operators grant“ und „operators revoke“. Ohne zweiten Faktor öffnen sich diese Seiten niemandem von ihnen.
auth-operators-role-read_only = Lesezugriff
auth-operators-role-support = Support
auth-operators-role-admin = Administration
auth-operators-since = Seit
auth-operators-by = durch { $by }
auth-operators-second-factor = Zweiter Faktor
auth-operators-no-second-factor = Kein zweiter Faktor
auth-second-factor = Zweiter Faktor
auth-second-factor-text = Damit öffnet ein Passwort allein nichts: Es wird auch ein Code aus einer App auf Ihrem Telefon verlangt.
auth-second-factor-asked = Was Sie öffnen wollten, verlangt einen zweiten Faktor. Richten Sie einen ein, dann bringen wir Sie hin.
auth-second-factor-on = An
auth-second-factor-since = Verlangt seit
auth-second-factor-set-up = Authentifizierungs-App einrichten
auth-second-factor-replace = Andere App einrichten
auth-second-factor-off = Ausschalten
auth-second-factor-off-text = Wir schicken Ihnen eine Mail zur Bestätigung. Danach genügt Ihr Passwort allein. Organisationen, die einen zweiten Faktor verlangen, lassen Sie dann nicht mehr ein, und wer { $product } mit betreibt, tut es nicht länger.
auth-second-factor-off-do = Mail schicken
auth-second-factor-off-confirm = Zweiten Faktor ausschalten
auth-second-factor-off-ready-title = Zweiten Faktor ausschalten?
auth-second-factor-off-ready-text = Von da an öffnet Ihr Passwort allein Ihr Konto. Andere Browser werden abgemeldet. Organisationen, die einen zweiten Faktor verlangen, lassen Sie nicht mehr ein, bis Sie wieder einen einrichten, auch Ihre eigene nicht. Wenn Sie { $product } mit betreiben, endet auch das und kommt nicht von selbst zurück.
auth-second-factor-off-expired-title = Dieser Link gilt nicht mehr
auth-second-factor-off-expired-text = Er wurde schon benutzt, ist zu alt oder gehört zu einem anderen Konto. Beginnen Sie noch einmal.
auth-second-factor-done = Von jetzt an wird bei der Anmeldung ein Code verlangt. Andere Browser wurden abgemeldet.
auth-second-factor-app-title = Authentifizierungs-App einrichten
auth-second-factor-app-text = Jede App, die Codes erzeugt, ist recht: etwa Ihr Passwort-Manager, Google Authenticator oder Aegis.
auth-second-factor-app-scan = Scannen Sie dieses Bild mit der App.
auth-second-factor-app-qr = Ein QR-Code mit dem Geheimnis, das unten ausgeschrieben ist
auth-second-factor-app-open = In einer App auf diesem Gerät öffnen
auth-second-factor-app-secret = Oder geben Sie dies in die App ein
auth-second-factor-app-code-hint = Die sechs Ziffern, die die App dann zeigt.
auth-second-factor-app-do = Einschalten
auth-security-done-password = Ihr Passwort wurde geändert. Alle anderen Browser sind abgemeldet.
auth-security-done-second-factor-mail = Wir haben Ihnen eine Mail geschickt. Öffnen Sie den Link darin innerhalb von zehn Minuten, um den zweiten Faktor auszuschalten.
auth-security-done-second-factor-off = Der zweite Faktor ist aus. Alle anderen Browser sind abgemeldet.
auth-code = Code
auth-code-hint = Die sechs Ziffern, die Ihre Authentifizierungs-App zeigt.
auth-backup-code = Ersatzcode
auth-backup-code-hint = Einer von denen, die Sie beim Einrichten der App aufbewahrt haben. Jeder gilt einmal.
auth-backup-code-instead = Kein Zugriff auf die App?
auth-backup-codes = Ersatzcodes
auth-backup-codes-left = { $count ->
    [0] keiner übrig
    [one] einer übrig
   *[other] { $count } übrig
  }
auth-backup-codes-few = Sie haben nur noch wenige Ersatzcodes. Ohne die App und ohne Code kann sich niemand anmelden.
auth-backup-codes-renew = Neue Ersatzcodes
auth-backup-codes-renew-ask = Die Codes, die Sie haben, gelten dann nicht mehr.
auth-backup-codes-renew-do = Neue Codes erzeugen
auth-backup-codes-title = Bewahren Sie Ihre Ersatzcodes auf
auth-backup-codes-text = Jeder öffnet Ihr Konto einmal, an Stelle eines Codes aus der App. Bewahren Sie sie dort auf, wo Sie sie ohne Ihr Telefon finden: in einem Passwort-Manager oder auf Papier.
auth-backup-codes-once = Sie werden nur jetzt gezeigt.
auth-backup-codes-kept = Ich habe sie aufbewahrt
auth-sign-in-second-title = Noch ein Schritt
auth-sign-in-second-text = Ihr Konto verlangt einen zweiten Faktor.
auth-prove-title = Zeigen Sie, dass Sie es sind
auth-prove-text = Was Sie vorhaben, betrifft die Sicherheit Ihres Kontos oder Ihrer Organisation. Deshalb fragen wir noch einmal, wer Sie sind. Das gilt für zehn Minuten.
auth-prove-do = Weiter
auth-prove-sign-in = Ihr Konto hat kein Passwort. Melden Sie sich noch einmal an, dann kommen Sie hierher zurück.
auth-error-code-required = Geben Sie einen Code ein: Ihr Konto hat einen zweiten Faktor.
auth-error-code-wrong = Dieser Code ist falsch oder wurde schon benutzt. Warten Sie auf den nächsten.
auth-error-backup-code-wrong = Dieser Ersatzcode ist falsch oder wurde schon benutzt. Nehmen Sie einen anderen von Ihrer Liste.
auth-error-code-first = Das ist nicht der Code. Geht die Uhr Ihres Telefons richtig?
auth-error-codes-throttled = Zu viele Codes waren falsch, deshalb wird heute keiner aus der App mehr angenommen. Ein Ersatzcode schon. Waren Sie das nicht, ändern Sie Ihr Passwort: Jemand kennt es.
auth-error-mails = Wir haben Ihnen schon mehrere E-Mails gesendet. Warten Sie { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und versuchen Sie es dann noch einmal.

auth-hand-off-title = Weiter zu { $host }
auth-hand-off-text = Wenn nichts passiert, verwenden Sie die Schaltfläche.
auth-hand-off-do = Weiter
auth-hand-off-refused-title = Das hat zu lange gedauert
auth-hand-off-refused-text = Es war schon erledigt, hat länger als eine Minute gedauert oder begann in einem anderen Browser. Beginnen Sie noch einmal.
auth-hand-off-again = Noch einmal beginnen

auth-provider-heading = Andere Wege, sich anzumelden
auth-provider-do = Weiter mit { $provider }
auth-provider-leave-title = Weiter zu { $provider }
auth-provider-leave-text = Dort sagen Sie, wer Sie sind. Wenn nichts passiert, verwenden Sie die Schaltfläche.
auth-provider-leave-do = Zu { $provider }
auth-provider-return-title = Gleich geschafft
auth-provider-return-text = Sie sind von { $provider } zurück. Wenn nichts passiert, verwenden Sie die Schaltfläche.
auth-provider-return-do = Weiter
auth-provider-sent-text = { $provider } sagt nicht, ob diese Adresse Ihnen gehört. Deshalb fragen wir dort. Öffnen Sie den Link darin innerhalb einer Stunde in diesem Browser. Nach einer Minute noch nichts da? Sehen Sie im Spam-Ordner nach.
auth-provider-confirm-text = Sie kommen von { $provider }. Damit ist Ihre Adresse bestätigt, und Sie sind angemeldet.
auth-provider-over-title = Diese Anmeldung ist vorbei
auth-provider-over-text = Sie war schon abgeschlossen, hat zu lange gedauert oder begann in einem anderen Browser. Beginnen Sie von vorn.
auth-provider-cancelled-title = Sie haben bei { $provider } abgebrochen
auth-provider-cancelled-text = Es ist nichts geschehen. Sie können von vorn beginnen oder sich anders anmelden.
auth-provider-failed-title = { $provider } hat Sie nicht durchgelassen
auth-provider-failed-text = { $provider } meldet, dass dort etwas schiefgegangen ist. Beginnen Sie von vorn oder melden Sie sich anders an.
auth-provider-unbelievable-title = Der Antwort ist nicht zu trauen
auth-provider-unbelievable-text = Was { $provider } geschickt hat, ließ sich nicht prüfen. Deshalb wurde niemand angemeldet. Versuchen Sie es später noch einmal oder melden Sie sich anders an.
auth-provider-away-title = { $provider } antwortet nicht
auth-provider-away-text = Die Anmeldung mit { $provider } geht gerade nicht. Versuchen Sie es in einer Minute noch einmal oder melden Sie sich anders an.
auth-provider-no-address-title = Es kam keine Adresse mit
auth-provider-no-address-text = Ein Konto hier braucht eine E-Mail-Adresse, und { $provider } hat uns keine genannt. Erlauben Sie es dort und beginnen Sie von vorn, oder registrieren Sie sich mit Adresse und Passwort.
auth-provider-exists-title = Sie haben hier schon ein Konto
auth-provider-exists-text = Es gibt ein Konto mit Ihrer E-Mail-Adresse. Melden Sie sich dort wie gewohnt an und verbinden Sie { $provider } auf der Seite zur Sicherheit. Danach öffnet beides das Konto.
auth-provider-closed-title = Dieses Konto ist geschlossen
auth-provider-closed-text = Niemand kann sich damit anmelden. Wenn Sie das für einen Irrtum halten, schreiben Sie denen, die diesen Dienst betreiben.
auth-provider-somebody-else-title = Jemand anderes ist angemeldet
auth-provider-somebody-else-text = Das Konto bei { $provider } sollte mit einem Konto verbunden werden, das hier nicht mehr angemeldet ist. Es wurde nichts verbunden.
auth-provider-taken-title = Dieses Konto bei { $provider } ist vergeben
auth-provider-taken-text = Es ist mit einem anderen Konto hier verbunden. Trennen Sie es dort zuerst, oder wählen Sie ein anderes Konto bei { $provider }.

auth-passkeys = Passkeys
auth-passkeys-text = Einen Passkey verwahrt Ihr Gerät oder ein Sicherheitsschlüssel; Finger, Gesicht oder PIN öffnen ihn. Damit melden Sie sich ohne Adresse, Passwort und Code an.
auth-passkeys-last-used = zuletzt benutzt
auth-passkeys-never-used = nie benutzt
auth-passkeys-since = erstellt
auth-passkeys-rename = Umbenennen
auth-passkeys-rename-do = Speichern
auth-passkeys-remove = Entfernen
auth-passkeys-remove-ask = Er meldet dann niemanden mehr an, und andere Browser werden abgemeldet. Löschen Sie ihn auch auf Ihrem Gerät.
auth-passkeys-remove-do = Ja, entfernen
auth-passkeys-copied = Kopiert
auth-passkeys-copied-text = Jemand hat eine Kopie dieses Passkeys, deshalb gilt er nicht mehr. Entfernen Sie ihn, und erstellen Sie einen neuen.
auth-passkey-sign-in = Mit einem Passkey anmelden
auth-passkey-new = Passkey hinzufügen
auth-passkey-new-text = Ihr Browser fragt, wo er verwahrt werden soll: auf diesem Gerät, auf Ihrem Telefon oder auf einem Sicherheitsschlüssel.
auth-passkey-new-do = Passkey erstellen
auth-passkey-cancel = Abbrechen
auth-passkey-name = Name
auth-passkey-name-hint = Damit Sie ihn in der Liste wiedererkennen.
auth-passkey-none = Passkeys brauchen JavaScript und einen aktuellen Browser.
auth-passkey-failed = Daraus wurde nichts: Es wurde abgebrochen oder hat zu lange gedauert. Sie können es noch einmal versuchen.
auth-passkey-there = Dieses Gerät hat schon einen Passkey für Ihr Konto.
auth-passkey-error-wrong = Der Passkey wurde nicht angenommen. Versuchen Sie es noch einmal, notfalls mit einem anderen Browser.
auth-passkey-error-expired = Das hat zu lange gedauert oder wurde in einem anderen Tab beendet. Versuchen Sie es noch einmal.
auth-passkey-error-taken = Dieser Passkey ist schon hinterlegt.
auth-passkey-error-many = Sie haben so viele Passkeys, wie es geben darf. Entfernen Sie zuerst einen.
auth-passkey-error-sign-in = Dieser Passkey öffnet hier kein Konto. Vielleicht wurde er aus Ihrem Konto entfernt.
auth-security-done-passkey-added = Der Passkey wurde hinzugefügt. Ab jetzt können Sie sich damit anmelden.
auth-security-done-passkey-renamed = Der Passkey hat einen anderen Namen.
auth-security-done-passkey-removed = Der Passkey wurde entfernt. Alle anderen Browser sind abgemeldet.

auth-identities-title = Konten anderswo
auth-identities-text = Jedes von ihnen öffnet Ihr Konto hier.
auth-identities-since = verbunden
auth-identities-link = { $provider } verbinden
auth-identities-unlink = Trennen
auth-security-done-linked = Das Konto ist verbunden. Von jetzt an können Sie sich damit anmelden.
auth-security-done-unlinked = Das Konto ist getrennt. Alle anderen Browser wurden abgemeldet.
auth-identities-error-last = Das ist der einzige Weg, sich bei Ihrem Konto anzumelden. Wählen Sie zuerst ein Passwort.
auth-identities-error-provider = Der Anbieter antwortet gerade nicht. Versuchen Sie es in einer Minute noch einmal.

auth-dev-provider-title = Wer sind Sie heute?
auth-dev-provider-text = Das ist der Anmeldeanbieter für die Entwicklung. Er glaubt, was immer Sie eingeben, und nur auf diesem Rechner.
auth-dev-provider-confirmed = Die Adresse ist bestätigt
auth-dev-provider-do = Als diese Person anmelden
auth-dev-provider-cancel = Abbrechen

auth-sessions-text = Die Browser, in denen Sie angemeldet sind. Beenden Sie jede Anmeldung, die Sie nicht kennen.
auth-sessions-this = Dieser Browser
auth-sessions-last-seen = Zuletzt aktiv
auth-sessions-since = Angemeldet
auth-sessions-remembered = bleibt angemeldet
auth-sessions-end = Beenden
auth-sessions-end-others = Alle anderen beenden
auth-sessions-unknown-device = Unbekannter Browser
auth-sessions-programs = Programme
auth-sessions-programs-text = Sie handeln in einer Organisation für Sie, mit Tokens, die sie bei Ihrer Anmeldung bekommen haben. Abmelden ändert daran nichts, ein neues Passwort beendet sie.
auth-sessions-programs-since = Seit
auth-sessions-programs-until = bis
auth-sessions-unknown-program = Programm ohne Namen

auth-account-text = Was andere von Ihnen sehen, und wie wir Sie ansprechen.
auth-account-name = Name
auth-account-name-hint = So sehen ihn die Leute in Ihren Organisationen.
auth-account-locale = Sprache
auth-account-time-zone = Zeitzone
auth-account-time-zone-hint = Zeiten auf Seiten und in E-Mails stehen darin. Tägliche Zusammenfassungen kommen dort um sieben Uhr morgens.
auth-account-theme = Darstellung
auth-account-browser = Wie der Browser es sagt
auth-account-save = Speichern
auth-account-done-profile = Ihr Profil ist gespeichert.
auth-theme-system = System
auth-theme-light = Hell
auth-theme-dark = Dunkel
auth-locale-en = English
auth-locale-de = Deutsch

auth-avatar = Bild
auth-avatar-hint = GIF, JPEG, PNG oder WebP bis { $size } MB. Wir behalten die Mitte, und nichts von dem, was eine Kamera dazu geschrieben hat.
auth-avatar-do = Dieses Bild verwenden
auth-avatar-remove = Bild entfernen
auth-avatar-error-size = Das Bild ist zu groß. Senden Sie eine kleinere Datei.
auth-avatar-error-kind = Das ist kein Bild einer Art, die wir annehmen.
auth-avatar-error-unreadable = Dieses Bild lässt sich nicht lesen oder hat zu viele Bildpunkte. Versuchen Sie es mit einem anderen.
auth-account-done-avatar = Ihr Bild ist gespeichert.

auth-email-heading = E-Mail
auth-email-text = Damit melden Sie sich an, und dorthin gehen unsere Nachrichten. Eine neue Adresse gilt, sobald Sie sie in beiden Postfächern bestätigt haben.
auth-email-now = Ihre Adresse
auth-email-unconfirmed = nicht bestätigt
auth-email-new = Neue Adresse
auth-email-start = Adresse ändern
auth-email-unverified = Bestätigen Sie zuerst Ihre jetzige Adresse: Wir haben Ihnen einen Link geschickt.
auth-account-done-email = Wir haben an beide Adressen einen Link geschickt. Öffnen Sie beide innerhalb von 24 Stunden.
auth-email-waiting = Wartet auf Ihre Bestätigung
auth-email-waiting-new = Link im neuen Postfach
auth-email-waiting-old = Link im jetzigen Postfach
auth-email-side-done = bestätigt
auth-email-side-waiting = noch nicht geöffnet
auth-email-waiting-until = Die Links gelten bis
auth-email-stop = Alte Adresse behalten
auth-email-ready-title = Änderung der Adresse bestätigen
auth-email-ready-to = Das Konto soll diese Adresse bekommen:
auth-email-ready-text-new = Sie lesen dies, weil die Adresse Ihnen gehört. Bestätigen Sie sie.
auth-email-ready-text-old = Sie tritt an die Stelle der Adresse, an die diese Nachricht ging. Danach melden Sie sich mit der neuen an, und alle anderen Browser sind abgemeldet.
auth-email-ready-do = Bestätigen
auth-email-refuse-text-new = Sie wissen nichts davon?
auth-email-refuse-text-old = Sie wollten das nicht? Dann kennt jemand anders Ihr Passwort.
auth-email-refuse-do = Änderung aufhalten
auth-email-half-title = Die Hälfte ist geschafft
auth-email-half-text-new = Die neue Adresse ist bestätigt. Öffnen Sie nun den Link, den wir an die jetzige geschickt haben.
auth-email-half-text-old = Sie haben zugestimmt. Öffnen Sie nun den Link, den wir an die neue Adresse geschickt haben.
auth-email-changed-title = Die Adresse ist geändert
auth-email-changed-text = Von nun an melden Sie sich mit der neuen Adresse an. Alle anderen Browser wurden abgemeldet.
auth-email-changed-elsewhere-title = Die Adresse ist geändert
auth-email-changed-elsewhere-text = Von nun an melden Sie sich mit der neuen Adresse an. Wo Sie angemeldet waren, sind Sie abgemeldet.
auth-email-refused-title = Die Änderung ist aufgehalten
auth-email-refused-text-new = Das Konto behält die Adresse, die es hat.
auth-email-refused-text-old = Ihr Konto behält seine Adresse. Wer sie ändern wollte, kennt Ihr Passwort: Beenden Sie alle Sitzungen und wählen Sie jetzt ein anderes.
auth-email-expired-title = Dieser Link funktioniert nicht mehr
auth-email-expired-text = Er wurde schon benutzt, ist zu alt, oder das Konto hat sich seither geändert. Beginnen Sie in Ihrem Profil von vorn.

auth-mail-already-subject = Sie haben schon ein Konto bei { $product }
auth-mail-already-heading = Sie haben schon ein Konto
auth-mail-already-text = jemand, wahrscheinlich Sie, hat soeben versucht, mit dieser Adresse ein Konto bei { $product } zu erstellen. Es gibt schon eines: Melden Sie sich damit an.
auth-mail-already-not-you = Falls Sie das nicht waren, müssen Sie nichts tun: Ihr Konto ist unverändert.

auth-mail-unknown-subject = Kein Konto bei { $product } mit dieser Adresse
auth-mail-unknown-heading = Mit dieser Adresse gibt es kein Konto
auth-mail-unknown-text = Jemand, wahrscheinlich Sie, wollte sich bei { $product } mit dieser Adresse anmelden oder ein neues Passwort wählen. Mit ihr gibt es kein Konto.
auth-mail-unknown-other = Wenn Sie ein Konto haben, haben Sie sich mit einer anderen Adresse registriert: Versuchen Sie es mit der. Sonst erstellen Sie eines.
auth-mail-unknown-not-you = Falls Sie das nicht waren, müssen Sie nichts tun.
auth-mail-unknown-why = Sie erhalten diese Nachricht, weil jemand Ihre Adresse bei { $product } eingegeben hat.

auth-mail-sign-in-subject = Anmeldung bei { $product }
auth-mail-sign-in-heading = Melden Sie sich mit dieser E-Mail an
auth-mail-sign-in-text = Jemand, vermutlich Sie, möchte sich mit Ihrem Konto bei { $product } anmelden. Drücken Sie den Knopf auf dem Gerät, auf dem Sie angemeldet sein wollen.
auth-mail-sign-in-guarded = Zu viele Anmeldungen bei Ihrem Konto bei { $product } sind fehlgeschlagen, vielleicht weil jemand Ihr Passwort zu erraten versucht. Mit diesem Link wird Ihr eigenes sofort angenommen.
auth-mail-sign-in-code = Oder geben Sie diesen Code in dem Browser ein, in dem Sie diese E-Mail angefordert haben:
auth-mail-sign-in-not-you = Falls Sie sie nicht angefordert haben, ist nichts zu tun. Sagen Sie niemandem den Code: Wir fragen nicht danach.

auth-mail-provider-confirm-subject = Bestätigen Sie Ihre Adresse für { $product }
auth-mail-provider-confirm-heading = Ist das Ihre Adresse?
auth-mail-provider-confirm-text = Jemand, vermutlich Sie, hat sich bei { $product } mit einem Konto bei { $provider } angemeldet, das diese Adresse hat. Öffnen Sie den Link in dem Browser, in dem Sie das getan haben.
auth-mail-provider-confirm-do = Adresse bestätigen
auth-mail-provider-confirm-not-you = Waren Sie das nicht, ist nichts zu tun: In Ihrem Browser öffnet der Link niemandem etwas.
auth-mail-provider-known-text = Jemand, vermutlich Sie, hat sich bei { $product } mit einem Konto bei { $provider } angemeldet, das diese Adresse hat. Sie haben schon ein Konto: Melden Sie sich dort wie gewohnt an und verbinden Sie beides auf der Seite zur Sicherheit.

auth-api-keys = API-Schlüssel
auth-api-keys-text = Mit einem Schlüssel arbeitet ein Programm von Ihnen mit den Daten der Organisation, so weit der Schlüssel es erlaubt.
auth-api-keys-empty-title = Noch keine Schlüssel
auth-api-keys-empty-text = Erstellen Sie für jedes Programm, das die API verwendet, einen eigenen Schlüssel. So lässt sich jedes für sich anhalten.
auth-api-key = Schlüssel
auth-api-key-state = Status
auth-api-key-used = Zuletzt verwendet
auth-api-key-ends = Endet
auth-api-key-never = Nie
auth-api-key-active = Aktiv
auth-api-key-expired = Abgelaufen
auth-api-key-revoked = Widerrufen
auth-api-key-orphaned = Beendet
auth-api-key-orphaned-text = Dieser Schlüssel endete, als { $name } die Organisation verließ. Erstellen Sie einen neuen für alles, was ihn noch braucht.
auth-api-key-exposed = Stand in einer Adresse
auth-api-key-exposed-text = Jemand hat diesen Schlüssel in die Adresse einer Anfrage geschrieben. Dort haben wir ihn abgelehnt, aber Adressen werden unterwegs aufgezeichnet, und andere können ihn gelesen haben. Erneuern Sie das Geheimnis und senden Sie es im Authorization-Header.
auth-api-key-about = Über diesen Schlüssel
auth-api-key-begins = Beginnt mit
auth-api-key-made = Erstellt

auth-api-key-make = Schlüssel erstellen
auth-api-key-make-text = Er darf nie mehr als Sie. Ändert sich Ihre Rolle, ändert er sich mit ihr, und wenn Sie die Organisation verlassen, endet er.
auth-api-key-name = Name
auth-api-key-name-hint = Das Programm, das ihn verwendet, damit Sie ihn später wiedererkennen.
auth-api-key-scopes = Er darf
auth-api-key-scopes-hint = Wählen Sie nur, was das Programm braucht. Später lässt sich das nicht ändern.
auth-api-key-lifetime-label = Er endet
auth-api-key-lifetime = { $days ->
    [0] nie
    [365] nach einem Jahr
   *[other] nach { $days } Tagen
  }
auth-api-key-more = Weitere Einstellungen
auth-api-key-allowed = Erlaubte Adressen
auth-api-key-allowed-hint = Die öffentlichen Adressen oder Netze, aus denen sich das Programm verbinden darf, durch Kommas getrennt. Leer heißt: alle.
auth-api-key-allowed-do = Adressen speichern
auth-api-key-anywhere = Alle
auth-api-key-cancel = Abbrechen
auth-api-key-error-scopes = Wählen Sie mindestens etwas, das der Schlüssel darf.
auth-api-key-error-allowed = Geben Sie höchstens 32 Adressen oder Netze ein, etwa 203.0.113.7 oder 203.0.113.0/24, durch Kommas getrennt.

auth-api-key-made-text = Der Schlüssel ist bereit. Kopieren Sie ihn jetzt und bewahren Sie ihn dort auf, wo das Programm seine Geheimnisse liest.
auth-api-key-rotated-text = Das ist das neue Geheimnis. Kopieren Sie es jetzt und setzen Sie es an die Stelle des alten.
auth-api-key-once = Er wird nur jetzt gezeigt. Wenn Sie ihn verlieren, erneuern Sie das Geheimnis.
auth-api-key-header = Das Programm sendet ihn in einem Header, nie in einer Adresse:
auth-api-key-previous = Das alte Geheimnis gilt bis
auth-api-key-kept = Ich habe ihn kopiert

auth-api-key-rotate = Neues Geheimnis
auth-api-key-rotate-text = Der Schlüssel bleibt, mit seinem Namen und allem, was er darf. Erneuern Sie das Geheimnis von Zeit zu Zeit, und wenn jemand anders es gesehen haben kann.
auth-api-key-rotate-more = Dieser Schlüssel darf mehr als Sie, also geben andere ihm ein neues Geheimnis. Widerrufen können Sie ihn.
auth-api-key-rotate-open = Erneuern
auth-api-key-rotate-ask = Sie erhalten ein neues Geheimnis zum Kopieren.
auth-api-key-rotate-do = Geheimnis erneuern
auth-api-key-overlap-label = Das alte Geheimnis gilt
auth-api-key-overlap = { $hours ->
    [0] ab sofort nicht mehr
    [1] noch eine Stunde
    [24] noch einen Tag
    [168] noch eine Woche
   *[other] noch { $hours } Stunden
  }
auth-api-key-revoke = Widerrufen
auth-api-key-revoke-open = Widerrufen
auth-api-key-revoke-ask = „{ $name }“ gilt sofort und endgültig nicht mehr.
auth-api-key-revoke-do = Schlüssel widerrufen

auth-notice-api-key-exposed = Der API-Schlüssel „{ $name }“ stand in der Adresse einer Anfrage. Ersetzen Sie ihn.
auth-notice-api-key-exposed-label = Ein API-Schlüssel steht in einer Adresse
auth-notice-api-key-leaked = Der API-Schlüssel „{ $name }“ wurde an falscher Stelle gefunden und widerrufen.
auth-notice-api-key-leaked-label = Ein API-Schlüssel wurde anderswo gefunden und widerrufen

auth-mail-email-new-subject = Bestätigen Sie Ihre neue Adresse für { $product }
auth-mail-email-new-heading = Bestätigen Sie Ihre neue Adresse
auth-mail-email-new-text = Jemand, vermutlich Sie, will diese Adresse für ein Konto bei { $product } verwenden.
auth-mail-email-new-do = Änderung ansehen
auth-mail-email-both = Die Adresse ändert sich, sobald sie in beiden Postfächern bestätigt ist, im neuen und im jetzigen.
auth-mail-email-old-subject = Ihr Konto bei { $product } soll eine andere Adresse bekommen
auth-mail-email-old-heading = Soll sich Ihre Adresse ändern?
auth-mail-email-old-text = Jemand, vermutlich Sie, will, dass Ihr Konto bei { $product } die Adresse { $email } bekommt.
auth-mail-email-old-do = Änderung ansehen
auth-mail-email-old-not-you = Wenn Sie das nicht waren, kennt jemand anders Ihr Passwort: Öffnen Sie den Link, halten Sie die Änderung auf und wählen Sie ein anderes Passwort.
auth-mail-email-taken-subject = Jemand will Ihre Adresse bei { $product } verwenden
auth-mail-email-taken-heading = Diese Adresse hat schon ein Konto
auth-mail-email-taken-text = Jemand, vermutlich Sie, will diese Adresse für ein weiteres Konto bei { $product } verwenden. Sie hat schon eines: Melden Sie sich damit an, oder geben Sie jenem Konto zuerst eine andere Adresse.

auth-mail-second-factor-off-subject = Zweiten Faktor Ihres Kontos bei { $product } ausschalten?
auth-mail-second-factor-off-heading = Zweiten Faktor ausschalten?
auth-mail-second-factor-off-text = Jemand, vermutlich Sie, möchte sich bei Ihrem Konto bei { $product } künftig ohne zweiten Faktor anmelden.
auth-mail-second-factor-off-then = Organisationen, die einen zweiten Faktor verlangen, lassen Sie dann nicht mehr ein, bis Sie wieder einen einrichten. Wenn Sie { $product } mit betreiben, endet auch das und kommt nicht von selbst zurück.
auth-mail-second-factor-off-do = Ansehen
auth-mail-second-factor-off-not-you = Waren Sie das nicht, ist jemand anderes als Sie angemeldet: Beenden Sie alle Sitzungen, wählen Sie ein anderes Passwort, und benutzen Sie den Link nicht.

auth-deletion-heading = Konto löschen
auth-deletion-open-text = Ihr Konto und was wir von Ihnen wissen werden 30 Tage nach Ihrer Bestätigung per E-Mail gelöscht.
auth-deletion-open-do = Mein Konto löschen
auth-deletion-ask-title = Konto löschen?
auth-deletion-ask-text = Wir senden Ihnen einen Link zur Bestätigung. Danach sind Sie überall abgemeldet, und Ihre Schlüssel ruhen. 30 Tage lang können Sie das Konto behalten, indem Sie sich anmelden; dann wird es endgültig gelöscht, mit Ihrem Namen und Ihrer Adresse. Was Sie in Organisationen gemacht haben, bleibt deren, ohne Ihren Namen.
auth-deletion-ask-do = Link zusenden
auth-deletion-owner-title = Sie sind allein in der Leitung
auth-deletion-owner-text = Diese Organisationen hätten dann keine Leitung mehr. Übertragen Sie dort zuerst die Leitung auf jemand anderen, oder löschen Sie sie.
auth-deletion-sent-title = Sehen Sie in Ihre Post
auth-deletion-sent-text = Öffnen Sie den Link darin, um es zu bestätigen. Bis dahin ändert sich nichts.
auth-deletion-confirm-title = Dieses Konto löschen?
auth-deletion-confirm-text = Sie werden überall abgemeldet. 30 Tage lang können Sie das Konto behalten, indem Sie sich anmelden; dann wird es endgültig gelöscht.
auth-deletion-confirm-do = Mein Konto löschen
auth-deletion-begun-title = Ihr Konto wird gelöscht
auth-deletion-begun-text = Sie sind überall abgemeldet. Melden Sie sich vorher an, wenn Sie es behalten wollen.
auth-deletion-expired-title = Dieser Link gilt nicht mehr
auth-deletion-expired-text = Er wurde schon benutzt, ist zu alt, oder das Konto hat sich seither geändert. Beginnen Sie auf der Seite über Ihre Daten von vorn.
auth-deletion-until = Gelöscht wird es am
auth-deletion-back = Zurück zu Ihren Daten
auth-leaving-title = Ihr Konto wird gelöscht
auth-leaving-text = Wollen Sie das Konto von { $email } behalten? Dann ist alles wie zuvor.
auth-leaving-stay-do = Mein Konto behalten

auth-mail-deletion-asked-subject = Ihr Konto bei { $product } löschen?
auth-mail-deletion-asked-text = Jemand, vermutlich Sie, möchte Ihr Konto bei { $product } löschen lassen. Bestätigen Sie es mit diesem Link; bis dahin ändert sich nichts.
auth-mail-deletion-asked-do = Ansehen und bestätigen
auth-mail-deletion-asked-not-you = Falls Sie das nicht waren, ist jemand in Ihrem Namen angemeldet: Bestätigen Sie es nicht, beenden Sie alle Sitzungen und wählen Sie ein anderes Passwort.
auth-mail-deletion-begun-subject = Ihr Konto bei { $product } wird gelöscht
auth-mail-deletion-begun-text = Sie sind überall abgemeldet. Bis es gelöscht wird, können Sie es behalten, indem Sie sich anmelden; danach kann es niemand zurückholen.
auth-mail-deletion-begun-do = Anmelden und behalten
auth-mail-deletion-begun-not-you = Falls Sie das nicht waren, melden Sie sich an, behalten Sie das Konto und wählen Sie ein anderes Passwort.
auth-mail-deletion-soon-subject = Ihr Konto bei { $product } wird in drei Tagen gelöscht
auth-mail-deletion-soon-text = Wir erinnern Sie zum letzten Mal. Bis es gelöscht wird, können Sie es behalten, indem Sie sich anmelden; danach kann es niemand zurückholen.
auth-mail-deletion-soon-do = Anmelden und behalten
auth-mail-deletion-soon-not-you = Wenn es weiterhin gelöscht werden soll, ist nichts zu tun.
auth-mail-deletion-stopped-subject = Ihr Konto bei { $product } bleibt bestehen
auth-mail-deletion-stopped-text = Jemand, vermutlich Sie, hat sich angemeldet und will das Konto behalten. Alles ist wie zuvor.
auth-mail-deletion-stopped-do = Konto ansehen
auth-mail-deletion-stopped-not-you = Falls Sie das nicht waren, beenden Sie alle Sitzungen und wählen Sie ein anderes Passwort.
auth-mail-deletion-done-subject = Ihr Konto bei { $product } ist gelöscht
auth-mail-deletion-done-text = Ihr Konto bei { $product } ist gelöscht, und mit ihm, was wir von Ihnen wussten. Das ist unsere letzte E-Mail an Sie.

auth-data-title = Ihre Daten
auth-data-text = Was wir von Ihnen wissen, und was Sie damit tun können.
auth-data-done-consent = Ihre Wahl ist gespeichert.
auth-consents-heading = Dem haben Sie zugestimmt
auth-consent-terms = Nutzungsbedingungen
auth-consent-privacy = Datenschutzerklärung
auth-consent-marketing = Neuigkeiten zum Produkt per E-Mail
auth-consent-agree = Ich stimme zu:
auth-consent-title = Bitte lesen Sie das zuerst
auth-consent-text = Es gibt eine neue Fassung dessen, was zwischen Ihnen und { $product } gilt.
auth-consent-version = Fassung { $version }
auth-consent-do = Ich stimme zu
auth-consent-instead = Stattdessen Ihre Daten ansehen
auth-consent-holds = Zugestimmt
auth-consent-open = Nicht zugestimmt
auth-consent-given = Zugestimmt
auth-consent-withdrawn = Zurückgenommen
auth-consent-give-do = Zustimmen
auth-consent-withdraw-do = Zurücknehmen
auth-consent-look = Neue Fassung ansehen
auth-error-consent = Ohne das kann es kein Konto geben.

auth-data-done-export = Wir packen Ihre Daten und schreiben Ihnen, wo sie liegen.
auth-export-heading = Ihre Daten als Datei
auth-export-ask-text = Alles, was wir über Sie speichern, als JSON für Programme und als CSV für Menschen, in einem Zip-Archiv. Es liegt einen Tag lang bereit.
auth-export-ask-do = Meine Daten zusenden
auth-export-do = Herunterladen
auth-export-until = bis
auth-export-waiting = Wird gepackt
auth-export-title = Ihre Daten liegen bereit
auth-export-text = Ein Zip-Archiv mit allem, was wir über Sie speichern. Bewahren Sie es sicher auf.
auth-export-gone-title = Diese Daten liegen nicht mehr bereit
auth-export-gone-text = Sie liegen einen Tag lang bereit. Fordern Sie sie auf der Seite über Ihre Daten noch einmal an.
auth-error-often = Das haben Sie zu oft versucht. { $hours ->
    [0] Warten Sie { $minutes } Min. und versuchen Sie es dann noch einmal.
   *[other] Warten Sie { $hours } Stunden und versuchen Sie es dann noch einmal.
  }

auth-mail-export-subject = Ihre Daten bei { $product }
auth-mail-export-text = Sie haben alles angefordert, was { $product } über Sie speichert. Es ist gepackt: Öffnen Sie den Link, um es herunterzuladen.
auth-mail-export-do = Zum Herunterladen
auth-mail-export-not-you = Falls Sie das nicht angefordert haben, ist jemand in Ihrem Namen angemeldet: Beenden Sie alle Sitzungen und wählen Sie ein anderes Passwort.

permission-auth-api_key-read = API-Schlüssel sehen
permission-auth-api_key-write = API-Schlüssel anlegen und widerrufen
