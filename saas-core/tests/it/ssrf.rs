//! Addresses that somebody else chose and that lead inside: nobody there is ever called.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use saas_core::{Outbound, OutboundError, OutboundPolicy, ResolveName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use url::Url;

/// Everything on this machine that could be called, on one port, and how often it was.
struct Sink {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Sink {
    /// Answers each request with `answer`, on all addresses of the machine.
    async fn new(answer: &'static [u8]) -> Self {
        let any = TcpListener::bind("[::]:0").await;
        let listener = match any {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    if stream.read(&mut request).await.is_ok() {
                        let _gone = stream.write_all(answer).await;
                    }
                });
            }
        });
        Self { port, connections }
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// Names that stand for what a table says, one answer after the other.
#[derive(Clone, Default)]
struct Names {
    answers: BTreeMap<&'static str, Vec<Vec<IpAddr>>>,
    asked: Arc<AtomicUsize>,
}

impl Names {
    fn with(mut self, name: &'static str, answers: &[&[&str]]) -> Self {
        let answers = answers.iter().map(|answer| answer.iter().map(|it| it.parse().unwrap()).collect()).collect();
        self.answers.insert(name, answers);
        self
    }
}

#[async_trait]
impl ResolveName for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let answers = self.answers.get(name.trim_end_matches('.')).ok_or(io::ErrorKind::NotFound)?;
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        Ok(answers[turn].clone())
    }
}

/// As strict as production, but for what a test cannot have: a certificate, and a listener on port 443.
fn strict() -> OutboundPolicy {
    OutboundPolicy::public().plain_http().any_port()
}

async fn get(outbound: &Outbound, url: &str) -> Result<StatusCode, OutboundError> {
    let url = Url::parse(url).map_err(|_| OutboundError::Refused)?;
    outbound.send(Method::GET, &url, HeaderMap::new(), Bytes::new()).await.map(|answer| answer.status)
}

/// Topic 3: each range, and each spelling of an address. `:@/` stands for the port of the sink.
const REFUSED: &[&str] = &[
    // Ranges.
    "http://0.0.0.0:@/",
    "http://0.1.2.3:@/",
    "http://10.0.0.1:@/",
    "http://100.64.0.1:@/",
    "http://127.0.0.1:@/",
    "http://127.255.255.254:@/",
    "http://169.254.169.254:@/latest/meta-data/",
    "http://172.16.0.1:@/",
    "http://172.31.255.254:@/",
    "http://192.0.0.8:@/",
    "http://192.0.2.1:@/",
    "http://192.88.99.1:@/",
    "http://192.168.1.1:@/",
    "http://198.18.0.1:@/",
    "http://198.51.100.7:@/",
    "http://203.0.113.7:@/",
    "http://224.0.0.1:@/",
    "http://240.0.0.1:@/",
    "http://255.255.255.255:@/",
    "http://[::]:@/",
    "http://[::1]:@/",
    "http://[::127.0.0.1]:@/",
    "http://[::ffff:127.0.0.1]:@/",
    "http://[::ffff:7f00:1]:@/",
    "http://[::ffff:0:127.0.0.1]:@/",
    "http://[64:ff9b::7f00:1]:@/",
    "http://[64:ff9b:1::7f00:1]:@/",
    "http://[100::1]:@/",
    "http://[2001::1]:@/",
    "http://[2001:db8::1]:@/",
    "http://[2002:7f00:1::]:@/",
    "http://[3fff::1]:@/",
    "http://[5f00::1]:@/",
    "http://[fc00::1]:@/",
    "http://[fd00:ec2::254]:@/",
    "http://[fe80::1]:@/",
    "http://[fec0::1]:@/",
    "http://[ff02::1]:@/",
    // Spellings of loopback.
    "http://2130706433:@/",
    "http://0177.1:@/",
    "http://0177.0.0.01:@/",
    "http://0x7f000001:@/",
    "http://0x7f.1:@/",
    "http://127.1:@/",
    "http://127.0.1:@/",
    "http://127.0.0.1.:@/",
    "http://0:@/",
    "http://１２７.０.０.１:@/",
    "http://①②⑦.⓪.⓪.①:@/",
    "http://127。0。0。1:@/",
    "http://%31%32%37.0.0.1:@/",
    "http://[fe80::1%25lo]:@/",
    "http://[::1%25lo]:@/",
    "http://ok@127.0.0.1:@/",
    "http://example.com:80@127.0.0.1:@/",
    "http://example.com@example.com:@/",
    "http:\\\\127.0.0.1:@/",
    "http:///127.0.0.1:@/",
    // Names.
    "http://localhost:@/",
    "http://localhost.:@/",
    "http://LOCALHOST:@/",
    "http://private.example:@/",
    "http://cname.example:@/",
    "http://mixed.example:@/",
    "http://mixed6.example:@/",
    "http://mapped.example:@/",
    "http://metadata.example:@/",
    // Other protocols.
    "file:///etc/passwd",
    "gopher://127.0.0.1:@/_x",
    "ftp://127.0.0.1:@/",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "ws://127.0.0.1:@/",
    "data:text/plain,x",
    "dict://127.0.0.1:@/",
];

fn names() -> Names {
    Names::default()
        .with("localhost", &[&["127.0.0.1", "::1"]])
        .with("private.example", &[&["10.1.2.3"]])
        // What a resolver says of an alias is what the last name stands for.
        .with("cname.example", &[&["127.0.0.1"]])
        .with("mixed.example", &[&["8.8.8.8", "127.0.0.1"]])
        .with("mixed6.example", &[&["8.8.8.8", "::1"]])
        .with("mapped.example", &[&["::ffff:127.0.0.1"]])
        .with("metadata.example", &[&["169.254.169.254"]])
}

/// Topic 3, API-04
#[tokio::test]
async fn no_spelling_of_an_inner_address_is_ever_connected_to() {
    let sink = Sink::new(FINE).await;
    let outbound = Outbound::with_resolver(strict(), names()).unwrap().within(Duration::from_secs(5));
    for pattern in REFUSED {
        let url = pattern.replace(":@/", &format!(":{}/", sink.port));
        let outcome = get(&outbound, &url).await;
        assert!(matches!(outcome, Err(OutboundError::Refused)), "{url}: {outcome:?}");
    }
    assert_eq!(sink.count(), 0);

    // The sink would have seen them: where loopback is allowed, spellings and names lead there.
    let open = Outbound::with_resolver(OutboundPolicy::local(), names()).unwrap();
    for url in ["http://127.1:@/", "http://localhost:@/", "http://2130706433:@/"] {
        assert_eq!(get(&open, &url.replace('@', &sink.port.to_string())).await.unwrap(), StatusCode::OK, "{url}");
    }
    assert_eq!(sink.count(), 3);
}

/// Topic 3
#[tokio::test]
async fn production_calls_https_on_its_ports_alone() {
    let outbound = Outbound::new(OutboundPolicy::public()).unwrap();
    for fine in [
        "https://example.com/",
        "https://example.com:443/",
        "https://example.com:8443/hook?x=1",
        "https://8.8.8.8/",
        "https://[2606:4700::1]/",
    ] {
        outbound.check(&fine.parse().unwrap()).unwrap();
    }
    for refused in [
        "http://example.com/",
        "https://example.com:22/",
        "https://example.com:25/",
        "https://example.com:80/",
        "https://example.com:5432/",
        "https://me@example.com/",
        "https://:secret@example.com/",
        "https://127.0.0.1/",
    ] {
        assert!(matches!(outbound.check(&refused.parse().unwrap()), Err(OutboundError::Refused)), "{refused}");
    }
}

/// Topic 3: a name that changes between the check and the call, and one that turns private after it was registered.
#[tokio::test]
async fn a_name_that_turns_private_is_refused_when_it_is_called() {
    let sink = Sink::new(FINE).await;
    let names = Names::default().with("rebind.example", &[&["8.8.8.8"], &["127.0.0.1"]]);
    let outbound = Outbound::with_resolver(strict(), names.clone()).unwrap();
    let url: Url = format!("http://rebind.example:{}/", sink.port).parse().unwrap();

    // Whoever looked first saw a public address.
    assert!(names.resolve("rebind.example").await.unwrap().iter().all(|address| strict().permits(*address)));
    outbound.check(&url).unwrap();
    assert!(matches!(get(&outbound, url.as_str()).await, Err(OutboundError::Refused)));
    assert_eq!(sink.count(), 0);
}

/// Topic 3: 302 to the metadata service, https to http.
#[tokio::test]
async fn a_redirect_is_an_answer_and_leads_nowhere() {
    let inner = Sink::new(FINE).await;
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n", inner.port);
    let outer = Sink::new(answer.leak().as_bytes()).await;
    let outbound = Outbound::new(OutboundPolicy::local()).unwrap();
    assert_eq!(get(&outbound, &format!("http://127.0.0.1:{}/", outer.port)).await.unwrap(), StatusCode::FOUND);
    assert_eq!((outer.count(), inner.count()), (1, 0));
}

/// Topic 3: what is seen from outside does not tell a machine that is not there from one that may not be called.
#[tokio::test]
async fn all_that_goes_wrong_looks_the_same() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let names = names().with("closed.example", &[&["127.0.0.1"]]);
    let strict = Outbound::with_resolver(strict(), names.clone()).unwrap();
    let local = Outbound::with_resolver(OutboundPolicy::local(), names).unwrap();
    let messages = [
        get(&strict, "http://127.0.0.1/").await.unwrap_err().to_string(),
        get(&strict, "http://private.example/").await.unwrap_err().to_string(),
        get(&strict, "http://nowhere.example/").await.unwrap_err().to_string(),
        get(&local, &format!("http://closed.example:{closed}/")).await.unwrap_err().to_string(),
    ];
    assert!(messages.iter().all(|message| message == "the address cannot be reached"), "{messages:?}");
}

/// Topic 3, topic 1: 64 KiB of an answer, however long it is, in the time that there is.
#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let is_slow = request[..length].starts_with(b"GET /slow");
                let mut alive = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok();
                while alive && !is_slow {
                    alive = stream.write_all(&[b'x'; 8192]).await.is_ok();
                    counted.fetch_add(8192, Ordering::SeqCst);
                }
                // A slow one says nothing more, until it is left.
                let _left = stream.read(&mut request).await;
            });
        }
    });
    let outbound = Outbound::new(OutboundPolicy::local()).unwrap().within(Duration::from_secs(5));
    let url = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let answer = outbound.send(Method::GET, &url, HeaderMap::new(), Bytes::new()).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 64 * 1024));
    // What the sockets hold comes on top of what was read.
    assert!(sent.load(Ordering::SeqCst) < 16 * 1024 * 1024);

    let slow = outbound.within(Duration::from_millis(300));
    let url = format!("http://127.0.0.1:{port}/slow").parse().unwrap();
    let outcome = slow.send(Method::GET, &url, HeaderMap::new(), Bytes::new()).await;
    assert!(matches!(outcome, Err(OutboundError::TimedOut)), "{outcome:?}");
}

/// Topic 3: the program's own address is none to call, unless its network is allowed by name.
#[tokio::test]
async fn the_own_address_is_not_called() {
    let own: IpAddr = "93.184.215.14".parse().unwrap();
    let policy = OutboundPolicy::public().deny(own);
    assert!(!policy.permits(own));
    assert!(!policy.permits("::ffff:93.184.215.14".parse().unwrap()));
    assert!(policy.permits("93.184.215.15".parse().unwrap()));
    assert!(OutboundPolicy::public().allow("10.1.0.0/16".parse().unwrap()).permits("10.1.2.3".parse().unwrap()));
    assert!(!OutboundPolicy::public().allow("10.1.0.0/16".parse().unwrap()).permits("10.2.0.1".parse().unwrap()));
}

/// What the test below runs with a proxy in its environment; without one it shows that it arrives.
#[tokio::test]
async fn a_call_arrives_where_it_is_sent() {
    let sink = Sink::new(FINE).await;
    let outbound = Outbound::with_resolver(OutboundPolicy::local(), Names::default().with("here.example", &[&["127.0.0.1"]])).unwrap();
    assert_eq!(get(&outbound, &format!("http://here.example:{}/", sink.port)).await.unwrap(), StatusCode::OK);
    assert_eq!(sink.count(), 1);
}

/// Topic 3: no proxies from the environment.
#[tokio::test]
async fn a_proxy_that_the_environment_names_is_not_used() {
    let proxy = Sink::new(FINE).await;
    let address = format!("http://{}", SocketAddr::from(([127, 0, 0, 1], proxy.port)));
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "ssrf::a_call_arrives_where_it_is_sent"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(name, &address);
    }
    let output = child.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(proxy.count(), 0);
}
