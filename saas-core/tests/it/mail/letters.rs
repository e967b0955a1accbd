use saas_core::{
    mail::{Envelope, letters},
    pages::{Locale, Pages},
};

use super::outbox::Post;

pub(super) const LETTERS: [&str; 9] =
    ["verification", "reset", "invitation", "welcome", "receipt", "payment_failed", "limit_warning", "security_notice", "digest"];

/// NOT-02
#[test]
fn every_letter_has_a_text_part_a_responsive_layout_and_both_schemes_in_each_language() {
    let pages = Pages::builder().product("Monitoring").build().unwrap();
    let samples = pages.samples().unwrap();
    for letter in LETTERS {
        let name = format!("core/mail/{letter}");
        let of_letter: Vec<_> = samples.iter().filter(|sample| sample.template == format!("{name}.mjml")).collect();
        assert!(!of_letter.is_empty(), "{letter}");
        for sample in of_letter {
            let [en, de] = [Locale::En, Locale::De].map(|locale| pages.letter(&name, locale, sample.context.clone()).unwrap());
            assert_ne!(en.subject, de.subject, "{letter}");
            for (rendered, tag) in [(&en, "en"), (&de, "de")] {
                assert!(!rendered.subject.is_empty() && !rendered.subject.contains('\n'), "{letter}: {}", rendered.subject);
                assert!(!rendered.text.contains('<'), "{letter}: {}", rendered.text);
                // Whoever has the old address can do nothing about a change that was agreed to there.
                let asks_for_something = sample.context.get_attr("what").unwrap().as_str() != Some("email-changed");
                assert_eq!(rendered.text.contains("http://localhost:3000/"), asks_for_something, "{letter}: {}", rendered.text);
                assert!(rendered.text.contains("Monitoring"), "it says why one gets it: {}", rendered.text);
                for part in [&format!("lang=\"{tag}\""), "name=\"viewport\"", "prefers-color-scheme: dark", "max-width:560px", "<h1"] {
                    assert!(rendered.html.contains(part), "{letter} {tag} has no {part}");
                }
                // Nothing is fetched when it is opened, and nothing runs: a picture would tell who reads it when.
                for part in ["<script", "<link", "<img", "@import", "url(", "fonts.googleapis", "{{"] {
                    assert!(!rendered.html.contains(part), "{letter} {tag} has {part}");
                }
                // Gmail cuts off what is longer.
                assert!(rendered.html.len() < 50_000, "{letter}: {}", rendered.html.len());
            }
        }
    }
}

/// NOT-02, topic 12: what people entered is text in every part of a letter.
#[tokio::test]
async fn names_with_markup_in_them_stay_text() {
    let mut post = Post::new().await;
    let acme = post.test.tenant("acme").await;
    let evil = "</mj-text><mj-raw><script>alert(1)</script></mj-raw>{{ 7*7 }}\"><a href=\"https://evil.example\">x</a><!-- -->";
    let letter = letters::Invitation {
        inviter: evil.to_owned(),
        organization: evil.to_owned(),
        href: post.outbox.link("/invitation").with("token", "a&b\"<c>"),
        days: 7,
    };
    let mut tx = post.test.db.tenant(acme).begin().await.unwrap();
    post.outbox.mail_in(&mut tx, &Envelope::new("ada@example.com", "a", "b"), &letter).await.unwrap();
    tx.commit().await.unwrap();
    post.deliver().await;
    let mail = post.sent().remove(0);
    assert!(!mail.html.contains("<script") && !mail.html.contains("href=\"https://evil") && !mail.html.contains("49"), "{}", mail.html);
    assert!(mail.html.contains("{{ 7*7 }}") && mail.html.contains("&lt;script&gt;"), "{}", mail.html);
    assert!(mail.text.contains(evil));
    let token = "token=a%26b%22%3Cc%3E";
    assert!(mail.text.contains(token) && mail.html.contains(token), "{}", mail.html);
}

/// Topic 4: a path from a request leads nowhere else.
#[tokio::test]
async fn every_link_begins_with_the_configured_address() {
    let post = Post::new().await;
    for path in ["/a", "a", "//evil.example/a", "https://evil.example", "/\\evil.example", "@evil.example", ".evil.example", "/a?b#c", ""] {
        let link = post.outbox.link(path).with("next", "https://evil.example");
        assert!(link.as_str().starts_with("https://app.example.com/"), "{path}: {link}");
    }
}
