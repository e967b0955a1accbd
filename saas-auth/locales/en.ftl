# Auth: sign-up, sign-in, verification, passwords, sessions and their mails.

auth-name = Your name
auth-email = Email
auth-password = Password
auth-password-hint = At least { $minimum } characters. A few words in a row are easy to remember and hard to guess.
auth-password-show = Show
auth-password-current = Current password
auth-password-new = New password
auth-remember = Keep me signed in for 30 days

auth-sign-up-title = Create your account
auth-sign-up-text = It takes a minute. No card needed.
auth-sign-up-do = Create account
auth-sign-up-have = Already have an account?
auth-sign-in-title = Sign in
auth-sign-in-heading = Sign in to { $product }
auth-sign-in-do = Sign in
auth-sign-in-new = New here?
auth-sign-in-mail-do = Mail me a link or a code
auth-sign-in-link-text = Press the button to sign in here.
auth-sign-in-link-first = Nobody has confirmed this address yet. Signing in does; a password that was chosen at sign-up stops working.
auth-sign-in-link-guarded = Enter your password. With this link it is taken, whatever others have tried.
auth-sign-in-sent-title = Check your mail
auth-sign-in-sent-text = Open the link in it on any device, or enter its code here. Nothing there after a minute? Look in the spam folder.
auth-sign-in-code = Code
auth-sign-in-code-hint = Eight digits. They work in this browser only.
auth-forgot = Forgot your password?

auth-error-throttled = Too many sign-ins failed. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, or have a mail sent to you to sign in with.
auth-error-link = This link or code does not work: it was used already, is too old or belongs elsewhere.
auth-error-code = Enter the eight digits from the mail.
auth-error-code-throttled = The code was wrong too often. Use the link in the mail. Or wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  } and ask for another mail.
auth-error-attempts = The password was wrong too often. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, then try again.
auth-error-credentials = The address or the password is wrong.
auth-error-name-required = Enter your name.
auth-error-name-long = This name is too long.
auth-error-characters = Remove the characters that cannot be seen, such as line breaks.
auth-error-choice = Choose from the list.
auth-error-email-invalid = Enter an address like name@example.com.
auth-error-email-same = This is the address that you have.
auth-error-password-required = Enter your password.
auth-error-password-other = This is not the password that was chosen at sign-up.
auth-error-password-wrong = This is not your password.
auth-error-password-short = This password is too short: use at least { $minimum } characters.
auth-error-password-long = This password is too long: use at most { $maximum } characters.
auth-error-password-weak = This password is easy to guess. Add another word or two.
auth-error-password-breached = This password is in a list of stolen passwords. Choose another one.
auth-error-password-classes = Use an upper-case letter, a lower-case letter and a digit.
auth-error-password-personal = Do not use your name or address in the password.

auth-verify-sent-title = Check your mail
auth-verify-sent-to = We sent a message to
auth-verify-sent-text = Open the link in it to confirm that the address is yours. You can do that on any device.
auth-verify-nothing = Nothing there after a minute? Look in the spam folder, or have it sent again.
auth-verify-resend = Send it again
auth-verify-resent = Sent again. It can take a minute to arrive.
auth-verify-wrong = Wrong address?
auth-verify-again = Start over
auth-verify-ready-title = Confirm your address
auth-verify-ready-text = Enter the password that you chose when you signed up. Then your account is ready.
auth-verify-do = Confirm and sign in
auth-verify-new = You forgot it, or you did not sign up yourself?
auth-verify-new-text = Choose a password of your own. The one that was chosen before stops working, and whoever is signed in with it is signed out.
auth-verify-new-do = Set this password and sign in
auth-verify-confirmed-title = Your address is confirmed
auth-verify-confirmed-text = This link was used already, and your account is ready.
auth-verify-confirmed-do = Go on
auth-verify-expired-title = This link no longer works
auth-verify-expired-text = It was used already or is too old. If you have confirmed your address, simply sign in. If not, have a new link sent.

auth-reset-ask-title = Choose a new password
auth-reset-ask-text = Enter the address that you sign in with. We send you a link.
auth-reset-ask-do = Send the link
auth-reset-sent-title = Check your mail
auth-reset-sent-text = Open the link in it to choose a new password. Until you do, the old one works. Nothing there after a minute? Look in the spam folder.
auth-reset-ready-title = Choose a new password
auth-reset-ready-text = Saving it signs you out everywhere. Then sign in with the new password.
auth-reset-do = Save the new password
auth-reset-expired-title = This link no longer works
auth-reset-expired-text = It was used already, is too old, or your password was changed since. Have a new link sent.
auth-reset-done-title = Your password was changed
auth-reset-done-text = You are signed out everywhere. Sign in with the new password.
auth-reset-back = Back to sign-in

auth-security-text = What keeps your account safe.
auth-security-others = All other browsers are signed out, and we tell you by mail.
auth-security-do = Change password
auth-security-none = Your account has no password: you sign in another way. You can choose one with a link that we mail you.
auth-security-none-do = Choose a password
auth-security-sessions = See where you are signed in

auth-operators-text = They run { $product }, beside all organizations. Whoever looks after its servers names them on the command line, with “operators grant” and “operators revoke”. Without a second factor these pages open to none of them.
auth-operators-role-read_only = Read-only
auth-operators-role-support = Support
auth-operators-role-admin = Administration
auth-operators-since = Since
auth-operators-by = by { $by }
auth-operators-second-factor = Second factor
auth-operators-no-second-factor = No second factor
auth-second-factor = Second factor
auth-second-factor-text = With it, a password alone opens nothing: a code from an app on your phone is asked for too.
auth-second-factor-asked = What you wanted to open asks for a second factor. Set one up, and we take you there.
auth-second-factor-on = On
auth-second-factor-since = Asked for since
auth-second-factor-set-up = Set up an authenticator app
auth-second-factor-replace = Set up another app
auth-second-factor-off = Turn it off
auth-second-factor-off-text = We send you a mail to confirm it. After that your password alone is enough. Organizations that ask for a second factor then let you in no more, and whoever helps to run { $product } does so no longer.
auth-second-factor-off-do = Send the mail
auth-second-factor-off-confirm = Turn off the second factor
auth-second-factor-off-ready-title = Turn off the second factor?
auth-second-factor-off-ready-text = From then on your password alone opens your account. Other browsers are signed out. Organizations that ask for a second factor let you in no more until you set one up again, your own included. If you help to run { $product }, that ends too, and does not come back by itself.
auth-second-factor-off-expired-title = This link no longer works
auth-second-factor-off-expired-text = It was used already, is too old, or belongs to another account. Begin again.
auth-second-factor-done = From now on a code is asked for when you sign in. Other browsers were signed out.
auth-second-factor-app-title = Set up an authenticator app
auth-second-factor-app-text = Any app that makes codes will do, such as the password manager that you have, Google Authenticator or Aegis.
auth-second-factor-app-scan = Scan this picture with the app.
auth-second-factor-app-qr = A QR code with the secret that is spelled out below
auth-second-factor-app-open = Open it in an app on this device
auth-second-factor-app-secret = Or type this into the app
auth-second-factor-app-code-hint = The six digits that the app shows then.
auth-second-factor-app-do = Turn it on
auth-security-done-password = Your password was changed. All other browsers are signed out.
auth-security-done-second-factor-mail = We sent you a mail. Open the link in it within ten minutes to turn the second factor off.
auth-security-done-second-factor-off = The second factor is off. All other browsers are signed out.
auth-code = Code
auth-code-hint = The six digits that your authenticator app shows.
auth-backup-code = Backup code
auth-backup-code-hint = One of those that you kept when you set up the app. Each works once.
auth-backup-code-instead = No access to the app?
auth-backup-codes = Backup codes
auth-backup-codes-left = { $count ->
    [0] none left
    [one] one left
   *[other] { $count } left
  }
auth-backup-codes-few = You have few backup codes left. Without the app and without a code nobody can sign in.
auth-backup-codes-renew = New backup codes
auth-backup-codes-renew-ask = The codes that you have stop working.
auth-backup-codes-renew-do = Make new codes
auth-backup-codes-title = Keep your backup codes
auth-backup-codes-text = Each of them opens your account once, in place of a code from the app. Keep them where you find them without your phone: in a password manager or on paper.
auth-backup-codes-once = They are shown only now.
auth-backup-codes-kept = I have kept them
auth-sign-in-second-title = One more step
auth-sign-in-second-text = Your account asks for a second factor.
auth-prove-title = Show that it is you
auth-prove-text = What you are about to do concerns the safety of your account or organization, so we ask again who you are. That holds for ten minutes.
auth-prove-do = Go on
auth-prove-sign-in = Your account has no password. Sign in again, and you come back here.
auth-error-code-required = Enter a code: your account has a second factor.
auth-error-code-wrong = This code is wrong or was used already. Wait for the next one.
auth-error-backup-code-wrong = This backup code is wrong or was used already. Take another one from your list.
auth-error-code-first = This is not the code. Does the clock of your phone go right?
auth-error-codes-throttled = Too many codes were wrong, so none from the app is taken today. A backup code still is. If that was not you, change your password: somebody knows it.
auth-error-mails = We sent you several mails already. Wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }, then try again.

auth-hand-off-title = On to { $host }
auth-hand-off-text = If nothing happens, use the button.
auth-hand-off-do = Continue
auth-hand-off-refused-title = That took too long
auth-hand-off-refused-text = It was finished already, took more than a minute, or began in another browser. Begin again.
auth-hand-off-again = Begin again

auth-provider-heading = Other ways to sign in
auth-provider-do = Continue with { $provider }
auth-provider-leave-title = On to { $provider }
auth-provider-leave-text = You are being taken there to say who you are. If nothing happens, use the button.
auth-provider-leave-do = Go to { $provider }
auth-provider-return-title = Almost there
auth-provider-return-text = You are back from { $provider }. If nothing happens, use the button.
auth-provider-return-do = Continue
auth-provider-sent-text = { $provider } does not say whether this address is yours, so we ask there. Open the link in it in this browser within an hour. Nothing there after a minute? Look in the spam folder.
auth-provider-confirm-text = You come from { $provider }. With this your address is confirmed, and you are signed in.
auth-provider-over-title = This sign-in is over
auth-provider-over-text = It was finished already, took too long, or began in another browser. Begin again.
auth-provider-cancelled-title = You stopped at { $provider }
auth-provider-cancelled-text = Nothing has happened. You can begin again, or sign in another way.
auth-provider-failed-title = { $provider } did not let you through
auth-provider-failed-text = { $provider } says that something went wrong there. Begin again, or sign in another way.
auth-provider-unbelievable-title = The answer cannot be trusted
auth-provider-unbelievable-text = What { $provider } sent could not be verified, so nobody was signed in. Try again later, or sign in another way.
auth-provider-away-title = { $provider } does not answer
auth-provider-away-text = Signing in with { $provider } does not work at the moment. Try again in a minute, or sign in another way.
auth-provider-no-address-title = No address came along
auth-provider-no-address-text = An account here needs an email address, and { $provider } did not tell us one. Allow it there and begin again, or sign up with an address and a password.
auth-provider-exists-title = You already have an account here
auth-provider-exists-text = There is an account with your email address. Sign in to it the way you are used to, and link { $provider } on the page about security. After that, either way opens it.
auth-provider-closed-title = This account is closed
auth-provider-closed-text = It cannot be signed in to. If you think that this is a mistake, write to whoever runs this service.
auth-provider-somebody-else-title = Somebody else is signed in
auth-provider-somebody-else-text = The account at { $provider } was to be linked with an account that is not signed in here any more. Nothing was linked.
auth-provider-taken-title = This account at { $provider } is in use
auth-provider-taken-text = It is linked with another account here. Unlink it there first, or choose another account at { $provider }.

auth-passkeys = Passkeys
auth-passkeys-text = A passkey is kept by your device or a security key and opened with your finger, your face or a PIN. It signs you in without an address, a password or a code.
auth-passkeys-last-used = last used
auth-passkeys-never-used = never used
auth-passkeys-since = made
auth-passkeys-rename = Rename
auth-passkeys-rename-do = Save
auth-passkeys-remove = Remove
auth-passkeys-remove-ask = It signs nobody in any more, and other browsers are signed out. Delete it on your device too.
auth-passkeys-remove-do = Remove it
auth-passkeys-copied = Copied
auth-passkeys-copied-text = Somebody has a copy of this passkey, so it no longer works. Remove it and make another one.
auth-passkey-sign-in = Sign in with a passkey
auth-passkey-new = Add a passkey
auth-passkey-new-text = Your browser asks where to keep it: on this device, on your phone or on a security key.
auth-passkey-new-do = Make the passkey
auth-passkey-cancel = Cancel
auth-passkey-name = Name
auth-passkey-name-hint = So that you recognize it in the list.
auth-passkey-none = Passkeys need JavaScript and a recent browser.
auth-passkey-failed = Nothing came of it: it was cancelled, or took too long. You can try again.
auth-passkey-there = This device already has a passkey for your account.
auth-passkey-error-wrong = The passkey was not accepted. Try again, with another browser if need be.
auth-passkey-error-expired = That took too long, or was finished in another tab. Try again.
auth-passkey-error-taken = This passkey is registered already.
auth-passkey-error-many = You have as many passkeys as there may be. Remove one first.
auth-passkey-error-sign-in = This passkey opens no account here. It may have been removed from your account.
auth-security-done-passkey-added = The passkey was added. You can sign in with it from now on.
auth-security-done-passkey-renamed = The passkey has another name.
auth-security-done-passkey-removed = The passkey was removed. All other browsers are signed out.

auth-identities-title = Accounts elsewhere
auth-identities-text = Each of them opens your account here.
auth-identities-since = linked
auth-identities-link = Link { $provider }
auth-identities-unlink = Unlink
auth-security-done-linked = The account is linked. You can sign in with it from now on.
auth-security-done-unlinked = The account is unlinked. All other browsers are signed out.
auth-identities-error-last = This is the only way to sign in to your account. Choose a password first.
auth-identities-error-provider = The provider does not answer at the moment. Try again in a minute.

auth-dev-provider-title = Who are you today?
auth-dev-provider-text = This is the sign-in provider of development. It believes whatever you enter, and only on this machine.
auth-dev-provider-confirmed = The address is confirmed
auth-dev-provider-do = Sign in as this person
auth-dev-provider-cancel = Cancel

auth-sessions-text = The browsers in which you are signed in. End any that you do not recognize.
auth-sessions-this = This browser
auth-sessions-last-seen = Last active
auth-sessions-since = Signed in
auth-sessions-remembered = stays signed in
auth-sessions-end = End
auth-sessions-end-others = End all others
auth-sessions-unknown-device = Unknown browser
auth-sessions-programs = Programs
auth-sessions-programs-text = They act for you in one organization, with tokens that they were given when you signed in there. They are not affected by signing out, but by a change of password.
auth-sessions-programs-since = Since
auth-sessions-programs-until = until
auth-sessions-unknown-program = Unnamed program

auth-account-text = What others see of you, and how you are addressed.
auth-account-name = Name
auth-account-name-hint = As the people in your organizations see it.
auth-account-locale = Language
auth-account-time-zone = Time zone
auth-account-time-zone-hint = Times on pages and in mails are told in it. Daily summaries come at seven in the morning there.
auth-account-theme = Appearance
auth-account-browser = As the browser says
auth-account-save = Save
auth-account-done-profile = Your profile is saved.
auth-theme-system = System
auth-theme-light = Light
auth-theme-dark = Dark
auth-locale-en = English
auth-locale-de = Deutsch

auth-avatar = Picture
auth-avatar-hint = GIF, JPEG, PNG or WebP up to { $size } MB. We keep its middle, and nothing of what a camera wrote beside it.
auth-avatar-do = Use this picture
auth-avatar-remove = Remove the picture
auth-avatar-error-size = The picture is too large. Send a smaller file.
auth-avatar-error-kind = This is no picture of a kind that we take.
auth-avatar-error-unreadable = This picture cannot be read, or it has too many pixels. Try another one.
auth-account-done-avatar = Your picture is saved.

auth-email-heading = Email
auth-email-text = You sign in with it, and our mails go there. A new address is used once you have confirmed it in both mailboxes.
auth-email-now = Your address
auth-email-unconfirmed = not confirmed
auth-email-new = New address
auth-email-start = Change the address
auth-email-unverified = Confirm the address that you have first: we sent you a link.
auth-account-done-email = We sent a link to both addresses. Open each of them within 24 hours.
auth-email-waiting = Waiting for you to confirm
auth-email-waiting-new = Link in the new mailbox
auth-email-waiting-old = Link in the present mailbox
auth-email-side-done = confirmed
auth-email-side-waiting = not opened yet
auth-email-waiting-until = The links work until
auth-email-stop = Keep the old address
auth-email-ready-title = Confirm the change of address
auth-email-ready-to = The account is to have the address
auth-email-ready-text-new = You read this because the address is yours. Confirm it.
auth-email-ready-text-old = It is to take the place of the address that this mail went to. After that you sign in with the new one, and all other browsers are signed out.
auth-email-ready-do = Confirm
auth-email-refuse-text-new = You know nothing of this?
auth-email-refuse-text-old = You did not want this? Then somebody else knows your password.
auth-email-refuse-do = Stop the change
auth-email-half-title = Half of it is done
auth-email-half-text-new = The new address is confirmed. Now open the link that we sent to the present one.
auth-email-half-text-old = You have agreed. Now open the link that we sent to the new address.
auth-email-changed-title = The address is changed
auth-email-changed-text = From now on you sign in with the new address. All other browsers were signed out.
auth-email-changed-elsewhere-title = The address is changed
auth-email-changed-elsewhere-text = From now on you sign in with the new address. Where you were signed in, you are signed out.
auth-email-refused-title = The change is stopped
auth-email-refused-text-new = The account keeps the address that it has.
auth-email-refused-text-old = Your account keeps its address. Whoever wanted to change it knows your password: end all sessions and choose another one now.
auth-email-expired-title = This link no longer works
auth-email-expired-text = It was used already, is too old, or the account has changed since. Begin again in your profile.

auth-mail-already-subject = You already have an account at { $product }
auth-mail-already-heading = You already have an account
auth-mail-already-text = Somebody, probably you, has just tried to create an account at { $product } with this address. You have one already: sign in with it.
auth-mail-already-not-you = If that was not you, there is nothing to do: your account is unchanged.

auth-mail-unknown-subject = No account at { $product } with this address
auth-mail-unknown-heading = There is no account with this address
auth-mail-unknown-text = Somebody, probably you, wanted to sign in at { $product } or choose a new password there with this address. It has no account.
auth-mail-unknown-other = If you have an account, you signed up with another address: try that one. If not, create one.
auth-mail-unknown-not-you = If that was not you, there is nothing to do.
auth-mail-unknown-why = You get this message because somebody entered your address at { $product }.

auth-mail-sign-in-subject = Sign in at { $product }
auth-mail-sign-in-heading = Sign in with this mail
auth-mail-sign-in-text = Somebody, probably you, wants to sign in to your account at { $product }. Press the button on the device on which you want to be signed in.
auth-mail-sign-in-guarded = Too many sign-ins to your account at { $product } failed, perhaps because somebody guesses your password. With this link your own is taken at once.
auth-mail-sign-in-code = Or enter this code in the browser in which you asked for this mail:
auth-mail-sign-in-not-you = If you did not ask for it, there is nothing to do. Never tell anybody the code: we do not ask for it.

auth-mail-provider-confirm-subject = Confirm your address for { $product }
auth-mail-provider-confirm-heading = Is this your address?
auth-mail-provider-confirm-text = Somebody, probably you, signed in at { $product } with an account at { $provider } that has this address. Open the link in the browser in which you did that.
auth-mail-provider-confirm-do = Confirm the address
auth-mail-provider-confirm-not-you = If that was not you, there is nothing to do: in your browser the link opens nothing to anybody.
auth-mail-provider-known-text = Somebody, probably you, signed in at { $product } with an account at { $provider } that has this address. You have an account already: sign in to it the way you are used to, and link the two on the page about security.

auth-api-keys = API keys
auth-api-keys-text = With a key, a program of yours works with the organization’s data, as far as the key allows.
auth-api-keys-empty-title = No keys yet
auth-api-keys-empty-text = Make a key for each program that uses the API, so that each can be stopped by itself.
auth-api-key = Key
auth-api-key-state = State
auth-api-key-used = Last used
auth-api-key-ends = Ends
auth-api-key-never = Never
auth-api-key-active = Active
auth-api-key-expired = Expired
auth-api-key-revoked = Revoked
auth-api-key-orphaned = Ended
auth-api-key-orphaned-text = This key ended when { $name } left the organization. Make a new one for what still needs it.
auth-api-key-exposed = Seen in an address
auth-api-key-exposed-text = Somebody put this key into the address of a request. We refused it there, but addresses are written down on their way, and others may have read it. Rotate the key, and send it in the Authorization header.
auth-api-key-about = About this key
auth-api-key-begins = Begins with
auth-api-key-made = Made

auth-api-key-make = Make a key
auth-api-key-make-text = A key can never do more than you. If your role changes, it changes with it, and when you leave the organization, it ends.
auth-api-key-name = Name
auth-api-key-name-hint = The program that uses it, so that you recognize it later.
auth-api-key-scopes = It may
auth-api-key-scopes-hint = Choose only what the program needs. This cannot be changed later.
auth-api-key-lifetime-label = It ends
auth-api-key-lifetime = { $days ->
    [0] never
    [365] after a year
   *[other] after { $days } days
  }
auth-api-key-more = More settings
auth-api-key-allowed = Allowed addresses
auth-api-key-allowed-hint = The public addresses or networks that the program may connect from, separated by commas. Leave it empty to allow all.
auth-api-key-allowed-do = Save addresses
auth-api-key-anywhere = All
auth-api-key-cancel = Cancel
auth-api-key-error-scopes = Choose at least one thing that the key may do.
auth-api-key-error-allowed = Enter at most 32 addresses or networks, such as 203.0.113.7 or 203.0.113.0/24, separated by commas.

auth-api-key-made-text = The key is ready. Copy it now and keep it where the program reads its secrets.
auth-api-key-rotated-text = This is the new secret. Copy it now and put it in the place of the old one.
auth-api-key-once = It is shown only now. If you lose it, rotate the key to get another.
auth-api-key-header = The program sends it in a header, never in an address:
auth-api-key-previous = The old secret works until
auth-api-key-kept = I have copied it

auth-api-key-rotate = New secret
auth-api-key-rotate-text = The key stays, with its name and all that it may do. Rotate it from time to time, and when somebody else may have seen it.
auth-api-key-rotate-more = This key can do things that you cannot, so somebody else has to give it a new secret. You can revoke it.
auth-api-key-rotate-open = Rotate
auth-api-key-rotate-ask = You get a new secret to copy.
auth-api-key-rotate-do = Rotate the key
auth-api-key-overlap-label = The old secret works
auth-api-key-overlap = { $hours ->
    [0] no longer, from now on
    [1] for another hour
    [24] for another day
    [168] for another week
   *[other] for another { $hours } hours
  }
auth-api-key-revoke = Revoke
auth-api-key-revoke-open = Revoke
auth-api-key-revoke-ask = “{ $name }” stops working at once and for good.
auth-api-key-revoke-do = Revoke the key

auth-notice-api-key-exposed = The API key “{ $name }” was in the address of a request. Replace it.
auth-notice-api-key-exposed-label = An API key stands in an address
auth-notice-api-key-leaked = The API key “{ $name }” was found where it should not be, and was revoked.
auth-notice-api-key-leaked-label = An API key was found elsewhere and revoked

auth-mail-email-new-subject = Confirm your new address for { $product }
auth-mail-email-new-heading = Confirm your new address
auth-mail-email-new-text = Somebody, probably you, wants to use this address for an account at { $product }.
auth-mail-email-new-do = Look at the change
auth-mail-email-both = The address changes once it was confirmed in both mailboxes, the new one and the present one.
auth-mail-email-old-subject = Your account at { $product } is to have another address
auth-mail-email-old-heading = Is your address to change?
auth-mail-email-old-text = Somebody, probably you, wants your account at { $product } to have the address { $email }.
auth-mail-email-old-do = Look at the change
auth-mail-email-old-not-you = If that was not you, somebody else knows your password: open the link, stop the change and choose another password.
auth-mail-email-taken-subject = Somebody wants to use your address at { $product }
auth-mail-email-taken-heading = This address has an account already
auth-mail-email-taken-text = Somebody, probably you, wants to use this address for another account at { $product }. It has one already: sign in with it, or give that account another address first.

auth-mail-second-factor-off-subject = Turn off the second factor of your account at { $product }?
auth-mail-second-factor-off-heading = Turn off the second factor?
auth-mail-second-factor-off-text = Somebody, probably you, wants to sign in to your account at { $product } without a second factor from now on.
auth-mail-second-factor-off-then = Organizations that ask for a second factor then let you in no more, until you set one up again. If you help to run { $product }, that ends too, and does not come back by itself.
auth-mail-second-factor-off-do = Look at it
auth-mail-second-factor-off-not-you = If that was not you, somebody else is signed in as you: end all sessions, choose another password, and do not use the link.

auth-deletion-heading = Delete your account
auth-deletion-open-text = Your account and what we know of you are deleted 30 days after you have confirmed it by mail.
auth-deletion-open-do = Delete my account
auth-deletion-ask-title = Delete your account?
auth-deletion-ask-text = We mail you a link to confirm it. From then on you are signed out everywhere, and your keys rest. For 30 days you can sign in to keep the account; then it is deleted for good, with your name and address. What you made in organizations stays theirs, without your name.
auth-deletion-ask-do = Mail me the link
auth-deletion-owner-title = You are the last owner
auth-deletion-owner-text = These organizations would be left without an owner. Make somebody else an owner there, or delete them, first.
auth-deletion-sent-title = Check your mail
auth-deletion-sent-text = Open the link in it to confirm. Until you do, nothing changes.
auth-deletion-confirm-title = Delete this account?
auth-deletion-confirm-text = You are signed out everywhere. For 30 days you can sign in to keep the account; then it is deleted for good.
auth-deletion-confirm-do = Delete my account
auth-deletion-begun-title = Your account will be deleted
auth-deletion-begun-text = You are signed out everywhere. Sign in before then if you want to keep it.
auth-deletion-expired-title = This link no longer works
auth-deletion-expired-text = It was used already, is too old, or the account has changed since. Begin again on the page about your data.
auth-deletion-until = It is deleted on
auth-deletion-back = Back to your data
auth-leaving-title = Your account will be deleted
auth-leaving-text = Do you want to keep the account of { $email }? Then all is as it was before.
auth-leaving-stay-do = Keep my account

auth-mail-deletion-asked-subject = Delete your account at { $product }?
auth-mail-deletion-asked-text = Somebody, probably you, wants your account at { $product } to be deleted. Confirm it with this link; until then nothing changes.
auth-mail-deletion-asked-do = Look at it and confirm
auth-mail-deletion-asked-not-you = If that was not you, somebody is signed in as you: do not confirm it, end all sessions and choose another password.
auth-mail-deletion-begun-subject = Your account at { $product } will be deleted
auth-mail-deletion-begun-text = You are signed out everywhere. Until it is deleted you can sign in to keep it; after that nobody can bring it back.
auth-mail-deletion-begun-do = Sign in to keep it
auth-mail-deletion-begun-not-you = If that was not you, sign in, keep the account and choose another password.
auth-mail-deletion-soon-subject = Your account at { $product } will be deleted in three days
auth-mail-deletion-soon-text = This is our last reminder. Until it is deleted you can sign in to keep it; after that nobody can bring it back.
auth-mail-deletion-soon-do = Sign in to keep it
auth-mail-deletion-soon-not-you = If you still want it to be deleted, there is nothing to do.
auth-mail-deletion-stopped-subject = Your account at { $product } is kept
auth-mail-deletion-stopped-text = Somebody, probably you, signed in and said that the account is to be kept. All is as it was before.
auth-mail-deletion-stopped-do = Review your account
auth-mail-deletion-stopped-not-you = If that was not you, end all sessions and choose another password.
auth-mail-deletion-done-subject = Your account at { $product } is deleted
auth-mail-deletion-done-text = Your account at { $product } is deleted, and what we knew of you with it. This is our last mail to you.

auth-data-title = Your data
auth-data-text = What we know of you, and what you can do about it.
auth-data-done-consent = Your choice is saved.
auth-consents-heading = What you agreed to
auth-consent-terms = Terms of service
auth-consent-privacy = Privacy policy
auth-consent-marketing = News about the product by mail
auth-consent-agree = I agree to:
auth-consent-title = Please read this first
auth-consent-text = There is a new version of what you and { $product } agree on.
auth-consent-version = version { $version }
auth-consent-do = I agree
auth-consent-instead = Look at your data instead
auth-consent-holds = Agreed
auth-consent-open = Not agreed
auth-consent-given = Agreed
auth-consent-withdrawn = Taken back
auth-consent-give-do = Agree
auth-consent-withdraw-do = Take it back
auth-consent-look = Look at the new version
auth-error-consent = Without this there can be no account.

auth-data-done-export = We pack your data and mail you where it is.
auth-export-heading = Your data in a file
auth-export-ask-text = All that we keep of you, as JSON for programs and as CSV for people, in a zip archive. It is there for a day.
auth-export-ask-do = Mail me my data
auth-export-do = Download
auth-export-until = until
auth-export-waiting = Being packed
auth-export-title = Your data is ready
auth-export-text = A zip archive with all that we keep of you. Keep it safe.
auth-export-gone-title = This export is gone
auth-export-gone-text = It is there for a day. Ask for another one on the page about your data.
auth-error-often = You tried this too often. { $hours ->
    [0] Wait { $minutes } min, then try again.
   *[other] Wait { $hours } hours, then try again.
  }

auth-mail-export-subject = Your data at { $product }
auth-mail-export-text = You asked for all that { $product } keeps of you. It is packed: open the link to download it.
auth-mail-export-do = Go to the download
auth-mail-export-not-you = If you did not ask for it, somebody is signed in as you: end all sessions and choose another password.

permission-auth-api_key-read = See API keys
permission-auth-api_key-write = Make and revoke API keys
