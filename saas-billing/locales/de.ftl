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
