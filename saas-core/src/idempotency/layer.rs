use std::{collections::HashSet, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, OriginalUri, Request, State as Shared},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::Method;
use http_body_util::BodyExt as _;

use super::{
    answer::{Answer, lost},
    key::{HEADER, key},
    keyed::{Keyed, State, keep_in},
};
use crate::{DbError, MasterKey, Problem, ProblemType};

/// The routes whose requests may be sent again with a key, and the keys that answers are sealed with.
pub(crate) struct Repeatable {
    pub(crate) routes: HashSet<(Method, String)>,
    pub(crate) keys: MasterKey,
}

/// Answers a request that has a key once, and the same again as it was answered.
pub(crate) async fn once(Shared(repeatable): Shared<Arc<Repeatable>>, mut request: Request, next: Next) -> Response {
    if request.method().is_safe() || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    let Some(path) = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()) else {
        return next.run(request).await;
    };
    if !path.starts_with("/api/") {
        return next.run(request).await;
    }
    let key = match key(request.headers()) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    // To take it and do the work twice would be worse than to say no.
    if !repeatable.routes.contains(&(request.method().clone(), path)) {
        let problem = Problem::new(&ProblemType::BAD_REQUEST).detail("this cannot be sent with an Idempotency-Key");
        return problem.into_response();
    }
    let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().clone(), |uri| uri.0.clone());
    let keyed = Keyed::new(key, repeatable.keys.clone(), request.method(), &uri);
    let reader = keyed.clone();
    request.extensions_mut().insert(keyed.clone());
    let request = request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(part) = frame.data_ref() {
                reader.read(part);
            }
            frame
        }))
    });
    let response = next.run(request).await;
    settle(&keyed, response).await.unwrap_or_else(|error| Problem::from(error).into_response())
}

/// Commits the work with its answer, or gives the answer that there is.
async fn settle(keyed: &Keyed, response: Response) -> Result<Response, DbError> {
    Ok(match keyed.take() {
        State::Fresh | State::Begun => response,
        State::Done(row, mut tx) => {
            let (answer, response) = Answer::of(response).await;
            keep_in(&mut tx, &row, Some((keyed.keys(), &answer))).await?;
            tx.commit().await?;
            response
        }
        State::Early(row, db) => {
            let (answer, response) = Answer::of(response).await;
            let mut tx = db.begin().await?;
            keep_in(&mut tx, &row, Some((keyed.keys(), &answer))).await?;
            tx.commit().await?;
            response
        }
        State::Busy => Problem::new(&ProblemType::REQUEST_IN_PROGRESS).retry_after(Duration::from_secs(1)).into_response(),
        State::Other => Problem::new(&ProblemType::KEY_REUSED).into_response(),
        State::Known(_, None) => lost(),
        State::Known(row, Some(sealed)) => match Answer::open(keyed.keys(), &row.place(), &sealed) {
            Ok(answer) => answer.again(),
            Err(problem) => problem.into_response(),
        },
    })
}
