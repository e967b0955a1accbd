# Auth: Registrierung, Anmeldung, Bestätigung, Sitzungen und ihre E-Mails.

auth-name = Ihr Name
auth-email = E-Mail
auth-password = Passwort
auth-password-hint = Mindestens { $minimum } Zeichen. Mehrere Wörter hintereinander sind leicht zu merken und schwer zu erraten.
auth-password-show = Zeigen
auth-remember = 30 Tage angemeldet bleiben

auth-sign-up-title = Konto erstellen
auth-sign-up-text = Das dauert eine Minute. Ohne Zahlungsdaten.
auth-sign-up-do = Konto erstellen
auth-sign-up-have = Sie haben schon ein Konto?
auth-sign-in-title = Anmelden
auth-sign-in-heading = Bei { $product } anmelden
auth-sign-in-do = Anmelden
auth-sign-in-new = Neu hier?

auth-error-credentials = Die Adresse oder das Passwort ist falsch.
auth-error-name-required = Geben Sie Ihren Namen ein.
auth-error-name-long = Dieser Name ist zu lang.
auth-error-characters = Entfernen Sie unsichtbare Zeichen wie Zeilenumbrüche.
auth-error-email-invalid = Geben Sie eine Adresse wie name@example.com ein.
auth-error-password-required = Geben Sie Ihr Passwort ein.
auth-error-password-other = Das ist nicht das Passwort, das bei der Registrierung gewählt wurde.
auth-error-password-short = Dieses Passwort ist zu kurz: Verwenden Sie mindestens { $minimum } Zeichen.
auth-error-password-long = Dieses Passwort ist zu lang: Verwenden Sie höchstens { $maximum } Zeichen.
auth-error-password-weak = Dieses Passwort ist leicht zu erraten. Fügen Sie noch ein oder zwei Wörter hinzu.
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
auth-verify-new-password = Neues Passwort
auth-verify-new-do = Passwort setzen und anmelden
auth-verify-expired-title = Dieser Link gilt nicht mehr
auth-verify-expired-text = Er wurde schon verwendet oder ist zu alt. Wenn Sie Ihre Adresse bestätigt haben, melden Sie sich einfach an. Sonst lassen Sie sich einen neuen Link senden.

auth-sessions-text = Die Browser, in denen Sie angemeldet sind. Beenden Sie jede Anmeldung, die Sie nicht kennen.
auth-sessions-this = Dieser Browser
auth-sessions-last-seen = Zuletzt aktiv
auth-sessions-since = Angemeldet
auth-sessions-remembered = bleibt angemeldet
auth-sessions-end = Beenden
auth-sessions-end-others = Alle anderen beenden
auth-sessions-unknown-device = Unbekannter Browser
auth-sessions-device = { $browser } unter { $system }

auth-mail-already-subject = Sie haben schon ein Konto bei { $product }
auth-mail-already-heading = Sie haben schon ein Konto
auth-mail-already-text = jemand, wahrscheinlich Sie, hat soeben versucht, mit dieser Adresse ein Konto bei { $product } zu erstellen. Es gibt schon eines: Melden Sie sich damit an.
auth-mail-already-not-you = Falls Sie das nicht waren, müssen Sie nichts tun: Ihr Konto ist unverändert.
