# The relay's data path.
#
# New arguments:
#   $complete  yes if every port of the range was tried, no if a sample was
# For the ports, $count is the number of closed ones (relay-nat-remaps-ports: of ports that a NAT changed) and $sent the number that was tried.
# For relay-nat-remaps-ports, $other is the address and port from which the relay's datagrams arrive.

external-ip-missing = the server advertises a private address
    .summary = { $host } advertises { $advertised } as its relay address, which nobody on the internet can reach.
    .impact = The other side sends to an address that does not exist on the internet; calls that need this relay fail.
    .meaning = The server is behind a 1:1 NAT, like most cloud hosts, and does not know its public address. It hands out relayed addresses that are private, and nobody outside can send to them.
    .proof = The relayed address is private, although the server was reached at a public address.
    .look-alikes = external-ip-mismatch: there the advertised address is public, but wrong. Two users of the same server may connect all the same, because it hands their packets over inside.
    .remedy = Set external-ip (or the server's own setting for it) to the public address, followed by the private one.

external-ip-missing-fix-server = { $software ->
        [coturn] Write the public and the private address into turnserver.conf, in place of any other external-ip line, then run systemctl restart coturn.
       *[other] Tell the server its public address, { $server }, in its settings: behind a 1:1 NAT it can't see it itself.
    }
    .command = { $software ->
        [coturn] external-ip={ $server }/{ $private-address }
       *[other] {""}
    }

external-ip-mismatch = the server advertises a wrong address
    .summary = { $host } advertises { $advertised } as its relay address, but its relay ports are reached at { $server }.
    .impact = The other side sends to an address that is not the server's; calls that need this relay fail.
    .meaning = The address that the server puts into relayed addresses is not the one at which its relay ports are reached: a typing error, or an address that the host had before.
    .proof = A datagram to the relayed address never arrives; one to the same port at the server's address does.
    .look-alikes = relay-ports-closed: there neither arrives. A server with several addresses, or a load balancer: there the relayed address differs too, and works.
    .remedy = Set external-ip (or the server's own setting for it) to the address that works.

external-ip-mismatch-fix-server = { $software ->
        [coturn] Correct external-ip in turnserver.conf, then run systemctl restart coturn. Behind a 1:1 NAT, add a slash and the private address.
       *[other] Set the public address { $server } in the server's settings.
    }
    .command = { $software ->
        [coturn] external-ip={ $server }
       *[other] {""}
    }

external-ip-suspect = the advertised address is not a known one of the server
    .summary = { $manner ->
        [silent] { $host } advertises { $advertised } for its relay, not one of its known addresses; nothing arrives there.
        [family] { $host } advertises the IPv6 address { $advertised } for its relay to clients that ask for IPv4.
       *[untried] { $host } advertises { $advertised } for its relay, not one of its known addresses; it was not tested.
    }
    .impact = { $level ->
        [warn] If the address is wrong, calls that need this relay fail.
       *[other] { $manner ->
            [family] Clients can't use an IPv6 relay that they did not ask for; calls that need this relay fail.
           *[other] Nothing reaches the relay at this address; calls that need it fail.
        }
    }
    .meaning = The relayed address differs from every address that the server's name stands for. That is right if the server has several addresses, a load balancer or anycast; otherwise external-ip is wrong.
    .proof = The relayed address is not one of the server's addresses, and no test datagram could show whether it is right.
    .look-alikes = relay-ports-closed: if the relay ports are closed, the right address fails as well.
    .remedy = Compare external-ip with the address that the server has on the internet.

external-ip-suspect-fix-server = { $manner ->
        [family] { $software ->
            [coturn] Set the server's IPv4 address as external-ip in turnserver.conf, then run systemctl restart coturn.
           *[other] Set the server's IPv4 address as its public address.
        }
       *[other] { $software ->
            [coturn] Compare external-ip with the server's address on the internet; if they differ, correct it and run systemctl restart coturn.
           *[other] Compare { $advertised } with the server's address on the internet, and correct the setting if they differ.
        }
    }
    .command = { $software ->
        [coturn] grep '^external-ip' /etc/turnserver.conf
       *[other] {""}
    }

relay-answers-from-elsewhere = the relay sends from another address than its own
    .summary = The relay of { $host } sends from { $other }, not from its relayed address { $advertised }; browsers drop that.
    .impact = Relayed calls fail: the other side gets answers from an address that it did not ask.
    .meaning = What the relay sends leaves by another public address than the one that it is reached at: a second address of the host, or a NAT gateway whose outward address differs from the inward one.
    .proof = A datagram through the relay arrived here, and its source was not the relayed address.
    .look-alikes = several-relay-addresses: there the relay sends from the address that it gives out. relay-nat-remaps-ports: there the address is right and the port is not.
    .remedy = Have the relay's packets leave by the relayed address.

relay-answers-from-elsewhere-fix-server = See from which address the host sends, and bind the relay to it (relay-ip in turnserver.conf), or correct the rule that rewrites its source.
    .command = ip route get 192.0.2.1; nft list ruleset | grep -nE 'snat|masquerade'

relay-answers-from-elsewhere-fix-server-2 = Behind a NAT gateway, give the server a public address of its own for both ways, and set external-ip to it.

relay-nat-remaps-ports = a NAT changes the relay's ports
    .summary = { $other ->
        [none] A NAT in front of { $host } changes { $count } of { $sent } UDP ports: datagrams reach other ports of the host.
       *[other] A NAT in front of { $host } changes the relay's ports: its datagrams arrive from { $other }.
    }
    .impact = { $level ->
        [degrade] Calls fail by chance: whenever the server picks a port that the NAT changes.
       *[other] The other side sends to ports that lead nowhere; calls that need this relay fail.
    }
    .meaning = The server is behind a NAT, for example in a container, that gives its packets other ports and forwards only some. The ports in the relayed addresses that it hands out don't exist outside.
    .proof = Datagrams to the relayed address never arrive, and what the relay sends arrives from a different port. Or callcheck's responder on the host got a datagram at a different port than it was sent to.
    .look-alikes = relay-ports-closed: there what the relay sends arrives from the relayed port.
    .remedy = Forward the relay ports one to one, or run the server with a public address of its own or on the host's network.

relay-nat-remaps-ports-fix-server = If the server runs in a container, use the host's network (in Kubernetes: hostNetwork: true).
    .command = docker run --network=host IMAGE

relay-nat-remaps-ports-fix-firewall = If a router is in front of the server, forward UDP ports { $range } to it, each to the same port.

relay-ip-unusable = the relay's sockets are not on the advertised address
    .summary = The relay of { $host } isn't where it says: { $relayed } refuses what is sent to its ports, and what it sends never arrives.
    .impact = Relayed calls fail: the relay is granted, and nothing passes in either direction.
    .meaning = The server gives out ports of an address on which it has no sockets: relay-ip is set to an address that leads nowhere, such as that of the loopback interface or of a container's bridge, while external-ip names the public one.
    .proof = The advertised address itself rejects datagrams to the relay's ports as nobody listens there, and none of what the relay sends out arrives.
    .look-alikes = relay-ports-closed: there what the relay sends does arrive. external-ip-mismatch: there it arrives from another address.
    .remedy = Let the relay use the interface that leads to the internet.

relay-ip-unusable-fix-server = { $software ->
        [coturn] Remove relay-ip from turnserver.conf, or set it to the address of the interface that leads to the internet; then run systemctl restart coturn.
       *[other] Have the relay use the interface that leads to the internet.
    }
    .command = { $software ->
        [coturn] sed -i '/^relay-ip=/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

relay-ports-closed = the relay's ports are closed from outside
    .summary = { $manner ->
        [refused] { $range-known ->
            [yes] UDP ports { $range } of { $host } are closed: the host rejects every datagram from outside.
           *[no] The relay ports of { $host } are closed: the host rejects every datagram from outside.
        }
        [rejected] { $range-known ->
            [yes] UDP ports { $range } of { $host } are closed: a device in front rejects every datagram.
           *[no] The relay ports of { $host } are closed: a device in front rejects every datagram.
        }
       *[silent] { $range-known ->
            [yes] UDP ports { $range } of { $host } are closed: no datagram from outside arrives.
           *[no] The relay ports of { $host } are closed: no datagram from outside arrives.
        }
    }
    .impact = Calls that need this relay don't connect: they stay in "checking" and then fail, although login and allocation work.
    .meaning = The server hands out relayed addresses, but a firewall drops or rejects what is sent to them from outside: the UDP range on which the TURN server relays, 49152-65535 by default.
    .proof = Datagrams to the relayed address arrive on no port that was tried, although the address is the server's own, and answers to what the relay sends are lost too.
    .look-alikes = external-ip-mismatch: there the same port works at the server's own address. relay-ports-stateful-only: there answers to what the relay sends get through. relay-untestable-from-here: there this network may be what drops the datagrams. Two users of the same server may connect in all these cases, because it hands their packets over inside.
    .remedy = Open the relay's UDP range to everyone, in the host's firewall and in the provider's.

relay-ports-closed-fix-firewall = { $range-known ->
        [yes] Open UDP ports { $range } to everyone, in the host's firewall and in the provider's firewall or security group.
       *[no] { $software ->
            [coturn] Open the relay's UDP ports to everyone ({ $range } unless min-port and max-port in turnserver.conf differ), in the host's firewall and in the provider's firewall or security group.
           *[other] Open the relay's UDP ports to everyone ({ $range } unless the server's settings differ), in the host's firewall and in the provider's firewall or security group.
        }
    }
    .command = ufw allow { $range-colon }/udp

relay-ports-closed-fix-firewall-2 = If the server is behind a NAT or in a container, forward these UDP ports to it too, each to the same port.

relay-egress-blocked = the relay can't send out
    .summary = The relay of { $host } can't send: datagrams from outside arrive, but nothing that it sends back does.
    .impact = The other side reaches the relay and gets no answer; calls that need this relay fail.
    .meaning = A firewall on the server or at its provider drops UDP that leaves from the relay ports.
    .proof = A datagram from outside arrives at the relay, and nothing that the relay sends to the same address arrives.
    .look-alikes = relay-ports-closed: there datagrams to the relay are lost. network-blocks-udp: there unrelated hosts don't answer over UDP either.
    .remedy = Allow outgoing UDP from the relay ports.

relay-egress-blocked-fix-firewall = Allow outgoing UDP from the relay ports ({ $range }) to any port, in the host's firewall (firewalld and nftables: the same rule) and in the provider's firewall or security group.
    .command = ufw allow out proto udp from any port { $range-colon } to any

relay-ports-stateful-only = the relay's ports let in only answers
    .summary = The relay ports of { $host } let in only answers to what the relay has sent, nothing unsolicited.
    .impact = Calls with users behind symmetric NATs fail, as in many mobile and office networks; other relayed calls connect.
    .meaning = A stateful firewall in front of the relay lets in a sender only after the relay has sent to exactly that address and port. The port of a user behind a symmetric NAT is not known in advance, so that never happens.
    .proof = An unsolicited datagram to the relayed address does not arrive; what the relay sends arrives, and then an answer to it does too.
    .look-alikes = relay-ports-closed: there answers are lost too. A 1:1 NAT that forwards only port 3478 looks exactly like this and needs the same remedy.
    .remedy = Open the relay's UDP range to everyone.

relay-ports-stateful-only-fix-firewall = { $range-known ->
        [yes] Open UDP ports { $range } to everyone, in the host's firewall and in the provider's firewall or security group.
       *[no] { $software ->
            [coturn] Open the relay's UDP ports to everyone ({ $range } unless min-port and max-port in turnserver.conf differ), in the host's firewall and in the provider's firewall or security group.
           *[other] Open the relay's UDP ports to everyone ({ $range } unless the server's settings differ), in the host's firewall and in the provider's firewall or security group.
        }
    }
    .command = ufw allow { $range-colon }/udp

relay-ports-stateful-only-fix-firewall-2 = If the server is behind a NAT that forwards only port 3478, forward the relay ports too, each to the same port.

relay-range-mismatch = server and firewall disagree on the relay range
    .summary = { $open-below ->
        [none] { $open-above ->
            [none] The firewall opens only a part of the relay ports of { $host }.
           *[other] { $complete ->
                [yes] The firewall opens a smaller range than { $host } relays on: UDP ports below { $open-above } are closed.
               *[no] The firewall opens a smaller range than { $host } relays on: UDP ports below about { $open-above } are closed.
            }
        }
       *[other] { $complete ->
            [yes] The firewall opens a smaller range than { $host } relays on: UDP ports above { $open-below } are closed.
           *[no] The firewall opens a smaller range than { $host } relays on: UDP ports above about { $open-below } are closed.
        }
    }
    .impact = Calls that need this relay fail by chance: whenever the server picks a port that the firewall does not open.
    .meaning = The range on which the server relays and the range that the firewall opens differ: one end of the server's range is closed.
    .proof = In order of their numbers, all tried ports on one side of a boundary let datagrams in, and all on the other side don't.
    .look-alikes = relay-ports-partly-closed: there closed ports lie between open ones.
    .remedy = Give both the same range, in the server's settings or in the firewall.

relay-range-mismatch-fix-firewall = { $range-known ->
        [yes] Open the server's whole range, UDP { $range }, in the host's firewall and in the provider's firewall or security group.
       *[no] { $software ->
            [coturn] Open coturn's whole range (UDP { $range } unless min-port and max-port in turnserver.conf differ), in the host's firewall and in the provider's firewall or security group.
           *[other] Open the server's whole range (UDP { $range } unless its settings differ), in the host's firewall and in the provider's firewall or security group.
        }
    }
    .command = ufw allow { $range-colon }/udp

relay-range-mismatch-fix-server-2 = { $open-below ->
        [none] { $open-above ->
            [none] {""}
           *[other] { $software ->
                [coturn] Or keep coturn within the range that is open: set this in turnserver.conf, then run systemctl restart coturn.
               *[other] Or keep the server within the range that is open: from port { $open-above } up.
            }
        }
       *[other] { $software ->
            [coturn] Or keep coturn within the range that is open: set this in turnserver.conf, then run systemctl restart coturn.
           *[other] Or keep the server within the range that is open: up to port { $open-below }.
        }
    }
    .command = { $software ->
        [coturn] { $open-below ->
            [none] { $open-above ->
                [none] {""}
               *[other] min-port={ $open-above }
            }
           *[other] max-port={ $open-below }
        }
       *[other] {""}
    }

relay-ports-partly-closed = part of the relay's ports is closed
    .summary = { $complete ->
        [yes] { $host } has closed relay ports: { $count } of { $sent }.
       *[no] { $host } has closed relay ports: { $count } of { $sent } in a sample, so { $share } of the range is open.
    }
    .impact = Calls that need this relay fail by chance: whenever the server picks a closed port.
    .meaning = The firewall lets in only some of the UDP ports on which the server relays.
    .proof = Some of the tried ports let a datagram from outside in, and others don't, even after several tries.
    .look-alikes = packet-loss: there a port that failed works at the next try. relay-range-mismatch: there the closed ports form one end of the range. several-servers-behind-one-address: there the closed ports answer with a refusal.
    .remedy = Open the whole range on which the server relays.

relay-ports-partly-closed-fix-firewall = { $range-known ->
        [yes] Open the server's whole range, UDP { $range }, in the host's firewall and in the provider's firewall or security group.
       *[no] { $software ->
            [coturn] Open coturn's whole range (UDP { $range } unless min-port and max-port in turnserver.conf differ), in the host's firewall and in the provider's firewall or security group.
           *[other] Open the server's whole range (UDP { $range } unless its settings differ), in the host's firewall and in the provider's firewall or security group.
        }
    }
    .command = ufw allow { $range-colon }/udp

relay-ports-partly-closed-fix-firewall-2 = { $blocks ->
        [none] {""}
       *[other] Look for a rule that closes UDP ports { $blocks }.
    }

several-servers-behind-one-address = several servers share one address
    .summary = Several servers seem to share { $host }: relay ports refuse datagrams here and there ({ $count } of { $sent }).
    .impact = Calls that need this relay fail by chance: whenever a datagram reaches a different server than the one that holds the call.
    .meaning = Replicas of a TURN server are behind one balancer address. A relayed port belongs to one of them, but the balancer sends datagrams from outside to any of them, and the others refuse.
    .proof = Some of the relayed ports let datagrams in, and others answer with a refusal, in no order.
    .look-alikes = relay-ports-partly-closed: a firewall that rejects single ports looks the same. several-servers-on-a-port: there logins are refused by chance.
    .remedy = Give each server a public address of its own to relay from; a balancer may only spread the logins.

several-servers-behind-one-address-fix-server = { $software ->
        [coturn] Give each server a public address of its own and set it in turnserver.conf, then run systemctl restart coturn.
       *[other] Give each server a public address of its own, and set it as that server's relay address.
    }
    .command = { $software ->
        [coturn] external-ip=ADDRESS-OF-THIS-SERVER
       *[other] {""}
    }

several-servers-behind-one-address-fix-application = List each server's own address in iceServers, in place of the balancer's.

relay-lossy = the relay loses or delays packets
    .summary = { $manner ->
        [jitter] Packets through the relay of { $host } arrive unevenly: the jitter is { $jitter } ms.
        [slow] The relay of { $host } carries only { $kbps } kbit/s; a video call needs about 1000.
        [under-load] The relay of { $host } drops packets when more is sent: { $lost } of { $sent } are lost ({ $lower } to { $upper } %).
       *[loss] The relay of { $host } loses packets: { $lost } of { $sent } did not arrive ({ $lower } to { $upper } %).
    }
    .impact = Relayed calls connect, but sound and picture break up.
    .meaning = Packets through the relay get lost or arrive unevenly, although the path to the server is clean: the host is overloaded, its bandwidth is limited, or a link behind it is lossy.
    .proof = Loss through the relay is above 3 % (99.99 % confidence) and above that of requests to the server; or the jitter is more than 30 ms above twice that of the path to the server; or a longer stream carries less than 1 Mbit/s.
    .look-alikes = packet-loss: there requests to the server itself are lost as well.
    .remedy = Check the server's load, its provider's limits on UDP, and the bandwidth limits in its settings.

relay-lossy-fix-server = Check the host's load, and look for dropped packets on its network interface.
    .command = top -b -n1 | head -15; ip -s link

relay-lossy-fix-server-2 = { $software ->
        [coturn] Check whether coturn limits the bandwidth: both settings count bytes per second, not bits.
       *[other] Check the bandwidth limits in the server's settings and at its provider.
    }
    .command = { $software ->
        [coturn] grep -E '^(max-bps|bps-capacity)' /etc/turnserver.conf
       *[other] {""}
    }

relay-multiplexed = all allocations share one relay port
    .summary = { $host } gives several allocations the same relay port.
    .impact = Two users who send to the same address at one time can get each other's packets.
    .meaning = The server gives the same relayed address and port to several allocations, and tells their packets apart by the other side's address (multiplex-peer in newer versions of coturn).
    .proof = Two allocations that exist at the same time have the same relayed address and port.
    .look-alikes = A port that is given out again after its allocation has ended.
    .remedy = Turn off multiplex-peer unless open ports are scarce.

relay-multiplexed-fix-server = { $software ->
        [coturn] Remove multiplex-peer from turnserver.conf unless open ports are scarce; coturn then relays on { $range } again, which the firewall has to open.
       *[other] Give each allocation a relay port of its own unless open ports are scarce.
    }
    .command = { $software ->
        [coturn] sed -i '/^multiplex-peer/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

relay-untestable-from-here = the relay can't be judged from this network
    .summary = The relay of { $host } can't be judged from here: its datagrams get lost, there or in this network.
    .impact = Whether calls through this relay work for other users can't be told from here.
    .meaning = Datagrams through the relay don't arrive. Closed relay ports look like this, and so does a network that lets UDP out only to some ports, or one with a symmetric NAT.
    .proof = Datagrams to or from the relay get lost, and nothing shows that this network lets UDP to high ports pass.
    .look-alikes = relay-ports-closed and relay-ports-stateful-only: a run from another network tells them apart.
    .remedy = Run callcheck from another network, or look at the server's firewall.

relay-untestable-from-here-fix-network = Run callcheck from another network, best on a host with a public address.

relay-untestable-from-here-fix-firewall-2 = Or check that UDP ports { $range } are open to everyone.
    .command = ufw status; nft list ruleset

relay-throttled = the relay is throttled
    .summary = The relay of { $host } carries { $kbps } kbit/s and drops what is above: a video call needs more.
    .impact = Voice is fine; video freezes or falls to its lowest quality, for everybody whose call is relayed.
    .meaning = Something limits how much a relay carries in a second and drops the rest, most often the server itself: in coturn max-bps is a limit in bytes a second for each user, and bps-capacity for all together.
    .proof = Of a stream at the rate of a video call the first packets arrive, and then rows of them are missing, again and again.
    .look-alikes = relay-lossy: there packets are missing here and there. A line here that lets less out than a video call needs looks the same: run callcheck from another network.
    .remedy = Raise the limit, or remove it.

relay-throttled-fix-server = { $software ->
        [coturn] In turnserver.conf, give max-bps and bps-capacity at least 300000 (bytes a second) for a video call, or remove them; then restart coturn.
       *[other] Raise the server's limit for each user to 2 Mbit/s or more, or remove it.
    }
    .command = { $software ->
        [coturn] sed -i -E '/^(max-bps|bps-capacity)=/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

relay-to-relay-blocked = two relays of one server can't reach each other
    .summary = Two relays on { $host } can't reach each other, although datagrams from outside reach them.
    .impact = Calls with both sides on this relay fail, so with the relay-only policy all calls fail.
    .meaning = If both sides of a call use this relay, the server sends to its own public address. A router or firewall in front of it does not send such packets back to it (no hairpin, also called NAT loopback), so they get lost.
    .proof = Datagrams from outside reach the relay, but a datagram from the relay to its own relayed address never arrives.
    .look-alikes = own-address-denied: there the server itself refuses, with error 403. relay-ports-closed: there datagrams from outside don't arrive either.
    .remedy = Turn on hairpin at the server's router, or let the server deliver such packets itself.

relay-to-relay-blocked-fix-firewall = { $software ->
        [coturn] Let the host reach its own relay ports: its firewall must not drop UDP on the loopback interface, over which coturn delivers such packets.
       *[other] Turn on hairpin (NAT loopback) for UDP ports { $range } at the server's router.
    }
    .command = { $software ->
        [coturn] ufw allow in on lo
       *[other] {""}
    }

relay-to-relay-blocked-fix-server-2 = { $software ->
        [coturn] {""}
       *[other] Or give the server a public address on its own network interface, so that no NAT lies between two of its relays.
    }

relay-to-relay-blocked-fix-firewall-2 = { $software ->
        [coturn] If the public address is not in external-ip, turn on hairpin (NAT loopback) for UDP ports { $range } at the server's router.
       *[other] Let the host reach its own relay ports: its firewall must not drop UDP on the loopback interface.
    }
    .command = { $software ->
        [coturn] {""}
       *[other] ufw allow in on lo
    }
