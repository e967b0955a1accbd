# Auth: sign-up, sign-in, verification, sessions and their mails.

auth-name = Your name
auth-email = Email
auth-password = Password
auth-password-hint = At least { $minimum } characters. A few words in a row are easy to remember and hard to guess.
auth-password-show = Show
auth-remember = Keep me signed in for 30 days

auth-sign-up-title = Create your account
auth-sign-up-text = It takes a minute. No card needed.
auth-sign-up-do = Create account
auth-sign-up-have = Already have an account?
auth-sign-in-title = Sign in
auth-sign-in-heading = Sign in to { $product }
auth-sign-in-do = Sign in
auth-sign-in-new = New here?

auth-error-credentials = The address or the password is wrong.
auth-error-name-required = Enter your name.
auth-error-name-long = This name is too long.
auth-error-characters = Remove the characters that cannot be seen, such as line breaks.
auth-error-email-invalid = Enter an address like name@example.com.
auth-error-password-required = Enter your password.
auth-error-password-other = This is not the password that was chosen at sign-up.
auth-error-password-short = This password is too short: use at least { $minimum } characters.
auth-error-password-long = This password is too long: use at most { $maximum } characters.
auth-error-password-weak = This password is easy to guess. Add another word or two.
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
auth-verify-new-password = New password
auth-verify-new-do = Set this password and sign in
auth-verify-expired-title = This link no longer works
auth-verify-expired-text = It was used already or is too old. If you have confirmed your address, simply sign in. If not, have a new link sent.

auth-sessions-text = The browsers in which you are signed in. End any that you do not recognize.
auth-sessions-this = This browser
auth-sessions-last-seen = Last active
auth-sessions-since = Signed in
auth-sessions-remembered = stays signed in
auth-sessions-end = End
auth-sessions-end-others = End all others
auth-sessions-unknown-device = Unknown browser
auth-sessions-device = { $browser } on { $system }

auth-mail-already-subject = You already have an account at { $product }
auth-mail-already-heading = You already have an account
auth-mail-already-text = Somebody, probably you, has just tried to create an account at { $product } with this address. You have one already: sign in with it.
auth-mail-already-not-you = If that was not you, there is nothing to do: your account is unchanged.
