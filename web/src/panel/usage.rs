//! `/people/{domain}/usage`: how many users there were, month by month (C26).

use axum::extract::Path;
use axum::response::Response;
use maud::html;

use super::visitor::Admin;
use crate::portal::Refusal;

pub(super) async fn show(admin: Admin, Path(name): Path<String>) -> Result<Response, Refusal> {
    let domain = admin.domain(&name)?;
    let months = admin.site.spool.user_months(domain.id).await?;
    let content = html! {
        p.meta { a href={ "/people/" (domain.name) } { "People of " (domain.name) } }
        h1 { "Users of " (domain.name) " by month" }
        table {
            thead {
                tr {
                    th scope="col" { "Month" }
                    th scope="col" { "Mailboxes at most" }
                    th scope="col" { "Signed in" }
                }
            }
            tbody {
                @for (month, count) in months.iter().rev() {
                    tr { td { (month) } td { (count.mailboxes) } td { (count.signed_in) } }
                }
            }
        }
        p.hint { "Enabled mailboxes, as many as there were at one time in the month, and users who signed in to the portal at least once. Months are those of UTC." }
    };
    Ok(admin.page("Users by month", &content))
}
