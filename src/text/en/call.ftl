# ICE, DTLS, media.
#
# New arguments:
# $spent: in ice-slow the part of $seconds that $reason (description, checks) took.
# $reason: in ice-relay-forced-without-turn none-gathered or none-configured; in ice-direct-impossible own-nat, other-nat or tried.

ice-relay-forced-without-turn = only the relay is allowed, but there is none
    .summary = { $manner ->
            [none-configured] Only relay candidates are allowed (iceTransportPolicy), but no TURN server is configured.
            [all-withheld] Only relay candidates are allowed (iceTransportPolicy), but no TURN server gives one.
            [refused] Only relay candidates are allowed (iceTransportPolicy), and the TURN server refuses to give one.
           *[all-connects] { $reason ->
                [none-configured] Only the relay is allowed (iceTransportPolicy) and no TURN server is configured; with "all" the call connects.
               *[none-gathered] Only the relay is allowed (iceTransportPolicy) and no TURN server gives one; with "all" the call connects.
            }
        }
    .impact = Every call fails, even between users who could connect directly.
    .meaning = The application sets iceTransportPolicy to "relay", but no TURN server gives a relay candidate. ICE then has nothing to try, although there are direct candidates.
    .proof = The policy is "relay" and no relay candidate was gathered; with the policy "all" there are other candidates, or the call connects.
    .look-alikes = The TURN server's own fault is the other half of the cause and is named beside it: once it is fixed, these calls work too.
    .remedy = Fix the TURN server, or set iceTransportPolicy to "all" until it works.

ice-relay-forced-without-turn-fix-application = { $reason ->
        [none-configured] List a TURN server, or allow direct paths as well.
       *[other] Allow direct paths as well, until the TURN server works.
    }
    .command = new RTCPeerConnection({"{"} iceServers, iceTransportPolicy: "all" {"}"})

ice-no-candidates = a side has no candidates
    .summary = { $manner ->
            [none-gathered] The { $role } gathers no candidates at all.
           *[none-sent] The { $other-role } may have no candidates: none arrive at the { $role }.
        }
    .impact = ICE has nothing to check: the call stays in the state "new" and shows no error.
    .meaning = An offer or answer arrived without candidates, and none followed.
    .proof = One side gathered no candidates, or the other side received its description but no candidate.
    .look-alikes = candidates-not-forwarded: there they were sent, but got lost in the signaling server. From one side only, the two look the same.
    .remedy = Find out what keeps that side from gathering: no network, a VPN, a browser setting, or a policy that allows nothing.

ice-no-candidates-fix-client = { $manner ->
        [none-gathered] Check this host's network interfaces, and look for a VPN or a browser setting that hides all addresses.
       *[none-sent] On the host of the { $other-role }, check that candidates are gathered (chrome://webrtc-internals).
    }

ice-no-candidates-fix-application-2 = Check that iceTransportPolicy is "all", or that a TURN server is listed that works from this network.
    .command = { $host ->
            [none] {""}
           *[other] callcheck turn { $host }
        }

ice-no-relay-candidate = no relay candidate is gathered
    .summary = { $manner ->
            [other-side] The { $other-role } sends no relay candidate, although the { $role } has one.
           *[other] The { $role } gets no relay candidate, although a TURN server is configured.
        }
    .impact = { $level ->
            [fail] The call fails: it depends on the relay.
           *[degrade] Calls connect only where a direct path exists; users behind strict NATs and firewalls can't call.
        }
    .meaning = A TURN server is configured, but gathering ends without a relay candidate from it.
    .proof = Gathering is complete with TURN URLs and credentials, and no candidate has the type relay.
    .look-alikes = This is a symptom: where the TURN server's own fault is known, that is named instead.
    .remedy = Ask the TURN server itself what is wrong, with callcheck turn.

ice-no-relay-candidate-fix-server = { $manner ->
        [other-side] Ask the TURN server from the network of the { $other-role } what is wrong.
       *[other] Ask the TURN server itself what is wrong.
    }
    .command = { $host ->
            [none] callcheck turn HOST
           *[other] callcheck turn { $host }
        }

ice-mdns-only = one side sends only .local candidates
    .summary = The { $role } sends only .local candidates, which no other network can resolve.
    .impact = { $manner ->
            [failed] Calls between two networks fail, as this one did.
           *[connected] Calls connect within one local network, and fail between two.
        }
    .meaning = All candidates that one side sends are .local names (RFC 8828), which can be resolved only in its own local network. It has gathered no others.
    .proof = All candidates received are .local names.
    .look-alikes = ice-no-candidates: there no candidate arrives at all.
    .remedy = Give the application a STUN and a TURN server that work from that side's network.

ice-mdns-only-fix-application = List a STUN and a TURN server that the { $role } can reach: they add candidates that work between networks.
    .command = { $host ->
            [none] {""}
           *[other] callcheck turn { $host }
        }

ice-wrong-ufrag = the ICE credentials belong to another call
    .summary = { $manner ->
            [refused] Connectivity checks are refused with 401: the two descriptions belong to different calls.
            [stale] The { $other-role }'s connectivity checks belong to a different call than its description.
            [heard] The { $other-role } answers no connectivity check, though its own arrive: its ICE credentials differ from its description.
           *[different] The { $other-role }'s candidates belong to a different call than its description.
        }
    .impact = { $level ->
            [degrade] This call connected by luck; browsers ignore such candidates, so calls fail by chance.
           *[fail] The call stays in "checking" and fails, although the path works.
        }
    .meaning = The ice-ufrag and ice-pwd of the description received are not those that the other side uses now, or its candidates belong to an earlier description: one side is still in an earlier call.
    .proof = Checks are answered with 401, the other side's checks name a different ice-ufrag or are signed with another ice-pwd, or all its candidates name one, which browsers refuse; or nothing is answered over a way on which the other side's checks arrive.
    .look-alikes = ice-no-path: there nothing answers. offer-altered: a description that is altered on its way ends the same way.
    .remedy = Look for an old description that is used again: a second offer, a reconnect, two tabs of one account.

ice-wrong-ufrag-fix-application = Send only the description and candidates of the current RTCPeerConnection; look for a reconnect or a second tab of one account.

ice-wrong-ufrag-fix-signaling-2 = Keep the messages of different calls apart: forward those of an earlier call to nobody.

ice-role-conflict = an ICE role conflict is not resolved
    .summary = Both sides claim the same ICE role: connectivity checks are refused with 487 until the end.
    .impact = No path is ever chosen: the call stays in "checking" and fails.
    .meaning = Both sides are controlling, or both are controlled, and neither gives way as RFC 8445 section 7.3.1.1 demands.
    .proof = Checks are answered with 487, and no pair connects.
    .look-alikes = ice-wrong-ufrag: there checks are answered with 401.
    .remedy = Let exactly one side make the offer. Two offers that cross end like this.

ice-role-conflict-fix-application = Let one side offer and the other answer; look for offers that cross, and roll one back (perfect negotiation).

ice-role-conflict-fix-application-2 = If one side is ice-lite (a media server), update the WebRTC library of the other side.

ice-no-path = no path between the two sides
    .summary = { $count ->
            [none] No path between the two sides: no connectivity check was answered.
            [1] No path between the two sides: the only candidate pair was checked without an answer.
           *[other] No path between the two sides: { $count } candidate pairs were checked without an answer.
        }
    .impact = The call fails: it goes from "checking" to "disconnected" and "failed".
    .meaning = Both sides have candidates and checked them in pairs, but no check was answered.
    .proof = Every pair was checked until the deadline, and none was answered.
    .look-alikes = Where the TURN server or a network is at fault, that is named instead, with the pairs as evidence.
    .remedy = Give both sides a TURN server that works from their networks, over TCP and TLS on port 443 too.

ice-no-path-fix-application = List a TURN server that both networks can reach, over TLS on port 443 too.
    .command = { $host ->
            [none] {""}
           *[other] turns:{ $host }:443?transport=tcp
        }

ice-no-path-fix-network-2 = Ask the TURN server from both networks: one of them may block UDP.
    .command = { $host ->
            [none] callcheck turn HOST
           *[other] callcheck turn { $host }
        }

ice-path-lost = a path that worked is lost
    .summary = The call connects and then loses its path.
    .impact = Calls connect, but end after a while: "connected", "disconnected", "failed".
    .meaning = ICE was connected, but the path broke during the call: a NAT mapping timed out, the network changed, a firewall cut the flow, or an allocation was not refreshed.
    .proof = "connected" came before "disconnected" or "failed", and callcheck did not end the call.
    .look-alikes = ice-no-path: there "connected" never came.
    .remedy = Find out what changed in the network at that moment, and restart ICE in the application when "disconnected" lasts.

ice-path-lost-fix-application = Restart ICE when the connection fails.
    .command = pc.oniceconnectionstatechange = () => {"{"} if (pc.iceConnectionState === "failed") pc.restartIce(); {"}"}

ice-path-lost-fix-network-2 = Find out what the network did at that moment: a NAT that forgets early, a change of networks, a firewall on long UDP flows.
    .command = { $host ->
            [none] callcheck stun HOST --lifetime
           *[other] callcheck stun { $host } --lifetime
        }

dtls-failed = ICE connects, but DTLS does not
    .summary = { $manner ->
            [fingerprint] ICE connects, but the DTLS certificate does not match the fingerprint in the description.
            [trouble] { $words ->
                [role] ICE connects, but both sides act as DTLS client: both descriptions say a=setup:active.
               *[other] ICE connects, but the DTLS handshake fails ({ $words }).
            }
            [large] ICE connects, but the large packets of the DTLS handshake seem to get lost.
            [under-way] ICE connects, but the DTLS handshake begins and never completes.
            [not-begun] ICE connects, but neither side begins the DTLS handshake.
           *[silent] ICE connects, but nothing answers the DTLS handshake.
        }
    .impact = No media flows: connectionState stays in "connecting" or ends in "failed", while iceConnectionState says "connected".
    .meaning = ICE found a path, but the DTLS handshake over it does not complete: the fingerprint does not match, both sides take the same DTLS role, large packets get lost, or a firewall filters DTLS.
    .proof = ICE was connected, and the DTLS handshake was not complete by the deadline.
    .look-alikes = media-none: there DTLS is complete. offer-altered: a fingerprint that is altered on its way ends like this.
    .remedy = Compare a=fingerprint and a=setup in both descriptions, and check the largest packet that passes.

dtls-failed-fix-application = { $manner ->
        [fingerprint] Compare a=fingerprint in each description as sent and as received: both must be equal, and of the current RTCPeerConnection.
        [large] {""}
        [trouble] { $words ->
            [role] Let the offer say a=setup:actpass and the answer a=setup:active.
           *[other] Compare a=fingerprint and a=setup in both descriptions, as sent and as received.
        }
        [not-begun] Let the offer say a=setup:actpass and the answer a=setup:active: with a=setup:passive on both sides nobody begins.
       *[other] Compare a=fingerprint and a=setup in both descriptions, as sent and as received.
    }

dtls-failed-fix-network = { $manner ->
        [large] Let UDP packets of 1200 bytes pass: check the MTU of VPNs and tunnels on both sides.
        [silent] Or look for a firewall that filters DTLS.
        [under-way] Or look for a firewall that filters DTLS or large UDP packets.
       *[other] {""}
    }
    .command = { $manner ->
            [large] { $host ->
                [none] {""}
               *[other] ping -M do -s 1172 { $host }
            }
           *[other] {""}
        }

media-none = connected, but no media arrives
    .summary = { $manner ->
            [alone] The call is connected, but no media arrives here.
           *[both] The call is connected, but no media arrives on either side.
        }
    .impact = The call shows as connected, but stays silent and black.
    .meaning = ICE and DTLS are connected, but no RTP packet arrives on either side.
    .proof = Both sides are connected, and neither counts an RTP packet from the other.
    .look-alikes = media-one-way: there one side hears the other. From one side only, the two look the same.
    .remedy = Check the direction of the media in both descriptions (a=sendrecv), the codecs, and whether microphone and camera are muted or refused.

media-none-fix-application = Check that both sides add their tracks before they create the description, and that both descriptions say a=sendrecv and share a codec.

media-one-way = media arrives on one side only
    .summary = { $manner ->
            [alone] The call is connected, but media may flow one way only: none arrives here.
            [kind] The call is connected, but no { $names } arrives at the { $role }.
           *[both] The call is connected, but the { $role } gets no { $names }.
        }
    .impact = { $level ->
            [warn] The user misses what the other side may not send at all.
           *[fail] One side hears or sees the other, but is not heard or seen itself.
        }
    .meaning = ICE and DTLS are connected, but RTP arrives in one direction only, or one kind of media does not arrive.
    .proof = One side counts packets, the other none.
    .look-alikes = media-none: there neither side counts packets. From one side only, a camera that is off looks the same.
    .remedy = Check the direction of the media in the answer, and look for a firewall that passes only small packets.

media-one-way-fix-application = { $manner ->
        [alone] Check on the other side whether packets arrive there (chrome://webrtc-internals).
       *[other] Check that the { $other-role } adds its tracks, and that both descriptions say a=sendrecv for { $names } and share a codec.
    }

media-lossy = the media is lossy or uneven
    .summary = { $manner ->
            [jitter] Media arrives unevenly at the { $role }: { $jitter } ms jitter.
            [path] The path between the two sides loses so many packets that the call doesn't get through.
           *[loss] { $percent } % of the media packets to the { $role } get lost.
        }
    .impact = { $manner ->
            [jitter] Sound breaks up and video stutters.
           *[loss] Sound breaks up and video freezes; above 10 % a conversation is hardly possible.
        }
    .meaning = RTP packets of the test stream get lost or arrive unevenly.
    .proof = Packet loss is above 3 % with 95 % confidence, or the interarrival jitter (RFC 3550) is above 30 ms.
    .look-alikes = relay-lossy and packet-loss: if the path to the TURN server is lossy by itself, that is named instead.
    .remedy = Look for a busy line, bad Wi-Fi or a traffic shaper between the two sides; try the relay instead of the direct path.

media-lossy-fix-network = Look for a busy line, bad Wi-Fi or a traffic shaper: try a cable, or another network.

media-lossy-fix-application-2 = Or compare with the path through the relay.
    .command = callcheck call --policy relay

ice-slow = the call connects late
    .summary = { $reason ->
            [description] The call connects after { $seconds } s; the other side's description takes { $spent } s of it.
            [checks] The call connects after { $seconds } s; connectivity checks take { $spent } s of it.
           *[other] The call connects after { $seconds } s.
        }
    .impact = People hang up before they hear each other.
    .meaning = More than five seconds pass from the offer to the connection.
    .proof = The time from the offer to the state "connected" of ICE.
    .look-alikes = signaling-slow: there events take long from one side to the other.
    .remedy = Look at what takes the time: the signaling server, or STUN and TURN servers in the list that don't answer.

ice-slow-fix-application = { $reason ->
        [description] Send the offer and the answer at once, and candidates as they are found (trickle ICE).
       *[other] Remove STUN and TURN servers that don't answer from the list, and send candidates as they are found (trickle ICE).
    }

ice-direct-impossible = only the relay connects these two networks
    .summary = { $reason ->
            [own-nat] Only the relay connects these two networks: this one's NAT is symmetric.
            [other-nat] Only the relay connects these two networks: the other one's NAT is symmetric.
            [tried] Only the relay connects these two networks: without it no connectivity check is answered.
           *[other] Only the relay connects these two networks.
        }
    .impact = Calls between these networks depend on the TURN server, its capacity and its delay.
    .meaning = All pairs without a relay were checked and none was answered; the call runs through the TURN server.
    .proof = The selected pair is relayed, no check of a direct pair was answered, and there is a reason: a symmetric NAT (a different public port for each destination), or a call without the relay that found no path.
    .look-alikes = A call that chose the relay before the direct checks were through: there nothing is named.
    .remedy = Nothing is broken; make sure that the TURN server has the capacity.

ice-direct-impossible-fix-server = Nothing is broken; make sure that the TURN server has bandwidth and relay ports for these calls.
    .command = { $host ->
            [none] {""}
           *[other] callcheck turn { $host } --stream 5s
        }
