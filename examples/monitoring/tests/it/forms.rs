//! Every form of every page.

use http::Method;
use saas_core::{Caller, pages::Locale};

use crate::app::App;

/// The forms of a page that change something: their addresses.
fn posts(html: &str) -> impl Iterator<Item = &str> {
    let forms = html.split("<form").skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    forms.filter(|form| form.contains("method=\"post\"")).map(|form| {
        let (_, rest) = form.split_once("action=\"").unwrap_or_else(|| panic!("a form says where it is sent to: {form}"));
        rest.split('"').next().unwrap_or_default()
    })
}

/// TEN-02: whatever changes something of an organization says which, so that it changes nothing of another one after a switch.
#[tokio::test]
async fn every_form_of_a_tenants_page_says_which_organization_it_is_for() {
    let app = App::new().await;
    let pages = &app.program.pages;
    let (mut tenants, mut wrong) = (0, Vec::new());
    for sample in pages.samples().unwrap() {
        let html = pages.render(&sample.template, Locale::default(), &sample.context).unwrap();
        for action in posts(&html) {
            let (path, query) = action.split_once('?').unwrap_or((action, ""));
            let path = path.replace("&#x2f;", "/");
            let route = app.routes.iter().find(|route| route.method == Method::POST && super::routes::matches(&route.path, &path));
            // One that this product does not compose may be a tenant's too.
            if route.is_some_and(|route| route.access.caller != Caller::Member) {
                continue;
            }
            tenants += 1;
            let is_somewhere = sample.context.get_attr("tenant").is_ok_and(|tenant| !tenant.is_none());
            if is_somewhere && !query.starts_with("organization=") {
                wrong.push(format!("{} ({}): {action} needs {{{{ here }}}}", sample.template, sample.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tenants >= 10, "only {tenants} forms were found");
}
