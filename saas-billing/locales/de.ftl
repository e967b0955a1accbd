# Abrechnung: Tarife, Preise, Rechnungen.

billing-money = { $whole } { $symbol }
billing-money-parts = { $whole },{ $fraction } { $symbol }
billing-per-month = im Monat
billing-per-year = im Jahr
billing-or-yearly = oder { $price } im Jahr
billing-trial = { $days ->
    [one] Am ersten Tag kostenlos
   *[other] In den ersten { $days } Tagen kostenlos
  }
billing-price-none = Kostenlos
billing-price-quoted = Auf Anfrage
billing-unlimited = Unbegrenzt
billing-included = Enthalten
billing-not-included = Nicht enthalten
billing-count-per-hour = { $count } in der Stunde
billing-count-per-day = { $count } am Tag
billing-count-per-month = { $count } im Monat

billing-pricing-title = Preise
billing-pricing-text = Kostenlos anfangen, jederzeit wechseln oder kündigen.
billing-pricing-currency = Währung
billing-begin = Anfangen
billing-compare = Tarife vergleichen
billing-compare-what = Was enthalten ist

permission-billing-subscription-read = Den Tarif, seine Nutzung und Rechnungen sehen
permission-billing-subscription-write = Tarife kaufen und kündigen

billing-title = Tarif und Rechnungen
billing-nothing-paid = Es wird nichts bezahlt.
billing-state-trialing = Probezeit
billing-state-active = Bezahlt
billing-state-past_due = Zahlung fehlgeschlagen
billing-state-unpaid = Nicht bezahlt
billing-state-paused = Pausiert
billing-renews-month = Wird jeden Monat bezahlt, das nächste Mal am { $at }.
billing-renews-year = Wird jedes Jahr bezahlt, das nächste Mal am { $at }.
billing-trial-ends = Kostenlos bis zum { $at }, danach bezahlt.
billing-ends = { $plan } endet am { $at }. Bis dahin bleibt alles, wie es war.
billing-cancel = Kündigen
billing-cancel-text = Der Tarif bleibt bis zum { $at }; danach wird nichts mehr abgebucht.
billing-resume = Doch behalten
billing-pay = Offene Rechnung bezahlen
billing-card = Karte ändern
billing-portal = Karte und Rechnungen

billing-notice-paid = { $plan } ist aktiv.
billing-notice-waiting = Die Zahlung ist noch nicht angekommen. Sobald sie da ist, ist Ihr Tarif aktiv.
billing-notice-left = Es wurde nichts gekauft und nichts abgebucht.
billing-notice-grace = Die letzte Zahlung ist fehlgeschlagen. Bis zum { $until } geht alles weiter: Bitte bezahlen Sie bis dahin.
billing-notice-locked = Der Tarif ist nicht bezahlt. Alles kann gelesen und mitgenommen werden, und geändert wieder, sobald er bezahlt ist.
billing-notice-suspended = Der Tarif ist nicht bezahlt. Bis dahin kann nichts genutzt werden.

billing-told-not-resumed = Das Abonnement endete, während die Organisation gelöscht werden sollte, und kam nicht mit ihr zurück. Wählen Sie einen Tarif, um weiterzumachen.
billing-told-not-resumed-label = Ein Abonnement kam nicht mit der Organisation zurück

billing-banner-grace = Die letzte Zahlung ist fehlgeschlagen. Bis zum { $until } geht alles weiter; danach lässt sich nichts ändern, bis bezahlt ist.
billing-banner-grace-ask = Die letzte Zahlung ist fehlgeschlagen. Bis zum { $until } geht alles weiter; danach lässt sich nichts ändern, bis bezahlt ist. Sprechen Sie mit { $who }.
billing-banner-locked = Der Tarif ist nicht bezahlt. Alles kann gelesen und mitgenommen werden, und geändert wieder, sobald er bezahlt ist.
billing-banner-locked-ask = Der Tarif ist nicht bezahlt. Alles kann gelesen und mitgenommen werden, und geändert wieder, sobald er bezahlt ist. Sprechen Sie mit { $who }.
billing-banner-pay = Bezahlen oder Karte ändern

billing-told-failed = Eine Zahlung ist fehlgeschlagen (Versuch { $attempt }). Bezahlen Sie die offene Rechnung oder ändern Sie die Karte.
billing-told-failed-label = Eine Zahlung ist fehlgeschlagen
billing-told-recovered = Die offene Rechnung ist bezahlt. Alles lässt sich wieder nutzen wie zuvor.
billing-told-recovered-label = Eine offene Rechnung wurde bezahlt

billing-usage = Nutzung
billing-used = { $used } von { $limit }
billing-used-unlimited = { $used }, ohne Grenze
billing-resets = beginnt neu um { $at }
billing-choose-title = Einen Tarif wählen
billing-choose = Wählen

billing-invoices = Rechnungen
billing-invoices-none = Es gibt noch keine Rechnungen.
billing-invoice-number = Nummer
billing-invoice-no-number = Ohne Nummer
billing-invoice-date = Datum
billing-invoice-amount = Betrag
billing-invoice-state = Stand
billing-invoice-open = Offen
billing-invoice-paid = Bezahlt
billing-invoice-uncollectible = Aufgegeben
billing-invoice-void = Storniert
billing-invoice-see = Ansehen

billing-leave-title = Weiter zu unserem Zahlungsanbieter
billing-leave-text = Karten werden dort eingegeben. Wir sehen sie nie.
billing-leave-do = Weiter
billing-return-title = Zurück von unserem Zahlungsanbieter
billing-return-text = Wir sehen nach, wie es dort steht.
billing-return-do = Zu meinem Tarif

billing-notice-unpaid = Der andere Tarif konnte nicht abgebucht werden. Wird die offene Rechnung innerhalb von 23 Stunden bezahlt, gilt er. Danach wählen Sie ihn noch einmal; bis dahin bleibt alles, wie es war.
billing-held = Ihr Tarif
billing-switch = Zu diesem wechseln
billing-switch-title = Den Tarif wechseln

billing-change-title = Zu { $plan } wechseln
billing-change-charge = { $plan } bis zum { $at }
billing-change-credit = Nicht genutzt von { $plan }
billing-change-due = Jetzt abgebucht
billing-change-left = Gutgeschrieben für die nächste Zahlung
billing-change-then-month = Ab dem { $at } kostet er { $price } im Monat.
billing-change-then-year = Ab dem { $at } kostet er { $price } im Jahr.
billing-change-do = Jetzt wechseln
billing-change-pay = Jetzt wechseln und { $amount } bezahlen
billing-change-not = Den Tarif behalten
billing-change-again = Inzwischen hat sich etwas geändert. So viel kostet es jetzt.
billing-change-exceeded = { $label }: Sie nutzen { $used }, und { $plan } hat { $limit }. Alles bleibt, und es kommt nichts hinzu, bis es weniger ist.

billing-usage-title = Verbrauch
billing-usage-text = Was genutzt wurde, wann und von wem. Stunden, Tage und Monate sind die von UTC; was jetzt gezählt wird, ist einige Sekunden später zu sehen.
billing-usage-more = Wann und von wem es genutzt wurde
billing-usage-meter = Was
billing-usage-per = Nach
billing-usage-per-hour = Stunde
billing-usage-per-day = Tag
billing-usage-per-month = Monat
billing-usage-from = Von
billing-usage-to = Bis
billing-usage-by = Von wem
billing-usage-by-all = Allen
billing-usage-by-user = Personen
billing-usage-by-key = API-Schlüsseln
billing-usage-by-agent = Agenten
billing-usage-by-tool = Werkzeugen
billing-usage-by-system = Dem Produkt selbst
billing-usage-show = Zeigen
billing-usage-total = { $total } insgesamt
billing-usage-none-title = Nichts wurde genutzt
billing-usage-none-text = In diesen Tagen wurde nichts aufgezeichnet. Wählen Sie andere Tage oder jemand anderen.
billing-usage-as-table = Dasselbe als Tabelle
billing-usage-period = Zeitraum (UTC)
billing-usage-quantity = Menge
billing-usage-top = Wer am meisten genutzt hat
billing-usage-who = Wer
billing-usage-kind = Was es ist
billing-usage-kind-user = Person
billing-usage-kind-key = API-Schlüssel
billing-usage-kind-agent = Agent
billing-usage-kind-tool = Werkzeug
billing-usage-kind-system = Das Produkt
billing-usage-system = Das Produkt selbst
billing-usage-gone = Nicht mehr da
billing-usage-csv = Als CSV
billing-usage-json = Als JSON
billing-usage-error-time = Das ist kein Tag.
billing-usage-error-backwards = Das liegt vor dem Anfang.
billing-usage-error-far = Das liegt nicht zwischen den Jahren 1970 und 9000.
billing-usage-error-long = Das sind mehr als 744 Stunden, Tage oder Monate. Wählen Sie einen kürzeren Zeitraum.
billing-usage-error-meter = Davon wird nichts aufgezeichnet.

billing-status-payments = Tarife kaufen und wechseln
billing-status-payments-interrupted = Tarife lassen sich gerade nicht kaufen oder wechseln. Was Sie haben, läuft weiter, und was bezahlt wurde, kommt später an.
