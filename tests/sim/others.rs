//! Somebody else with the same credentials, who stands beside the servers and holds allocations all the time.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::net::network::Network;
use callcheck::net::session::Session;
use callcheck::net::tls::unix_seconds;
use callcheck::proto::authentication::LongTerm;
use callcheck::proto::request::Request;

use super::certificate::beginning;
use super::host::Host;
use super::internet::{Internet, Site};
use super::network::CallerNetwork;
use super::packet::SiteId;
use super::resolver::Zone;
use super::world::World;

/// Where they are, before whatever else is before the servers.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 77));

/// Whoever they are.
pub struct Others {
    site: SiteId,
    network: Option<Rc<dyn Network>>,
    held: Vec<Session>,
}

impl Others {
    /// Gives them a place beside the servers.
    pub fn move_in(sites: &mut Vec<Site>, servers: &[SiteId]) -> Self {
        let own = SiteId(sites.len());
        let mut site = Site::public(&[ADDRESS]);
        for server in servers {
            let beside = &mut sites[server.0];
            beside.neighbours.insert(ADDRESS, own);
            site.neighbours.extend(beside.addresses.iter().map(|address| (*address, *server)));
        }
        sites.push(site);
        Self { site: own, network: None, held: Vec::new() }
    }

    /// Brings them to life.
    pub fn arrive(self, internet: &Rc<Internet>) -> Self {
        let network = CallerNetwork::new(internet, self.site, Rc::new(Zone::default()), Vec::new(), beginning(), 77);
        Self { network: Some(Rc::new(network)), ..self }
    }

    /// How many allocations they hold.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes the allocations that a world gives them.
    pub async fn occupy(&mut self, world: &World) {
        for host in &world.hosts {
            for _ in 0..host.held {
                let session = self.allocate(host).await;
                self.held.extend(session);
            }
        }
    }

    async fn allocate(&self, host: &Host) -> Option<Session> {
        let port = host.listeners.as_ref()?.udp?;
        let address = SocketAddr::new(host.number.own(host.placement).into(), port);
        let session = Session::over_udp(self.network.as_ref()?, Endpoint::new(Transport::Udp, address)).ok()?;
        let challenge = session.ask(&Request::allocate()).await.response?;
        let credentials = host.config.issue(unix_seconds(beginning()))?;
        let signed = LongTerm::new(&credentials, &challenge)?;
        let granted = session.ask_signed(&Request::allocate(), Some(&signed)).await;
        granted.reply.succeeded().then_some(session)
    }
}
