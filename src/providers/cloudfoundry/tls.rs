//! A foundation and its UAA behind a certificate that only its own authority vouches for.

use std::sync::Arc;

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::testing::{Hand, endpoint, password, registry};
use crate::kind::{Failure, RemoteError};
use crate::settings::{Auth, CfCli, Endpoint};

/// The authority, for as long as anybody may run the tests.
const CA: &[u8] = include_bytes!("../../../tests/fixtures/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../../tests/fixtures/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../../tests/fixtures/tls/server.key.pem");

/// Speaks TLS before `server`. Returns the port.
async fn front(server: &MockServer) -> u16 {
    let (certificate, key) = (CertificateDer::from_pem_slice(CERTIFICATE), PrivateKeyDer::from_pem_slice(KEY));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.unwrap()], key.unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = *server.address();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up here.
                let Ok(mut tls) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(behind).await.unwrap();
                let _ = copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    port
}

/// The API, and a UAA at another port.
async fn foundation() -> (MockServer, MockServer, Endpoint) {
    let (api, uaa) = (MockServer::start().await, MockServer::start().await);
    let (api_port, uaa_port) = (front(&api).await, front(&uaa).await);
    let links = json!({"links": {
        "cloud_controller_v2": {"href": format!("https://localhost:{api_port}/v2")},
        "login": {"href": format!("https://localhost:{uaa_port}")},
    }});
    let answer = ResponseTemplate::new(200).set_body_json(links);
    Mock::given(path("/")).respond_with(answer).mount(&api).await;
    let token = json!({"access_token": "t", "expires_in": 600});
    Mock::given(path("/oauth/token")).respond_with(ResponseTemplate::new(200).set_body_json(token)).mount(&uaa).await;
    (api, uaa, endpoint(&format!("https://localhost:{api_port}"), password()))
}

async fn connect(endpoint: &Endpoint) -> Result<(), RemoteError> {
    let (_, clock) = Hand::clock();
    registry().connect(endpoint, &clock).await.unwrap().map(drop)
}

#[tokio::test]
async fn a_certificate_authority_of_ones_own_holds_for_the_api_and_its_uaa() {
    let (_api, uaa, endpoint) = foundation().await;
    connect(&Endpoint { ca: Some(CA.to_vec()), ..endpoint }).await.unwrap();
    assert_eq!(uaa.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn written_out_consent_to_any_certificate_holds_for_both_too() {
    let (_api, uaa, endpoint) = foundation().await;
    connect(&Endpoint { skip_tls_verify: true, ..endpoint }).await.unwrap();
    assert_eq!(uaa.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_either_nothing_is_sent() {
    let (api, uaa, endpoint) = foundation().await;
    let error = connect(&endpoint).await.unwrap_err();
    assert_eq!(error.failure, Failure::Unreachable);
    assert!(error.message.starts_with("the certificate is not trusted"), "{error}");
    assert!(error.help.unwrap().contains("`ca_file`"));
    assert!(api.received_requests().await.unwrap().is_empty() && uaa.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_consent_given_to_the_cf_cli_is_not_taken_over_but_told_of() {
    let (api, _uaa, endpoint) = foundation().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.json");
    let config = json!({
        "ConfigVersion": 4, "SSLDisabled": true, "AccessToken": "bearer t", "Target": endpoint.url.as_str(),
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let endpoint = Endpoint { auth: Auth::CfCli(Box::new(CfCli::read(&file).unwrap())), ..endpoint };
    let help = connect(&endpoint).await.unwrap_err().help.unwrap();
    assert!(help.contains("the cf CLI was told not to verify") && help.contains("`skip_tls_verify = true`"), "{help}");
    assert!(api.received_requests().await.unwrap().is_empty());
    connect(&Endpoint { skip_tls_verify: true, ..endpoint.clone() }).await.unwrap();
    connect(&Endpoint { ca: Some(CA.to_vec()), ..endpoint }).await.unwrap();
}
