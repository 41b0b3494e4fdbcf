# TLS and its certificates.
#
# New arguments:
#   $sni       the server name that was asked for in the handshake
#   $endpoint  address and port for commands: "203.0.113.10:5349", "[2001:db8::10]:5349"
#   $listed    the server as the user named it, for commands: a bare name, or an address with an IPv6 one in brackets; never "name (address)"
#   $protocol  what answers inside TLS: http, ssh or other
# Where $endpoint and $listed are not given, the texts fall back on $server with $port, and on $host.

tls-intercepted = this network inspects TLS
    .summary = This network inspects TLS: it answers for { $host } with a certificate issued by { $issuer }.
    .impact = Users in this network can't use TURN over TLS; if UDP and plain TCP are blocked too, they get no relay.
    .meaning = A proxy or security product between this host and the internet ends each TLS connection and shows certificates of its own. Such products expect HTTP inside, so TURN does not get through.
    .proof = The TURN server and unrelated hosts all show certificates of one issuer. Either that issuer is not trusted, or it is and no TURN server answers inside TLS.
    .look-alikes = tls-untrusted-issuer: there unrelated hosts show trusted certificates. A host without any trusted roots distrusts all servers too, but their issuers differ.
    .remedy = Have the TURN server exempted from TLS inspection, or have the network let UDP to it pass.

tls-intercepted-fix-application = Offer TURN over UDP and plain TCP beside TLS: one of them may pass.

tls-intercepted-fix-network = Have { $host } exempted from TLS inspection, or have the network let UDP to it pass.

tls-protocol-too-old = the server's TLS is older than 1.2
    .summary = { $host } offers nothing newer than TLS 1.1 on port { $port }.
    .impact = Browsers can't use TURN over TLS here, so users whose network lets only TLS out get no relay.
    .meaning = The server supports TLS 1.1 or older. Browsers accept only TLS 1.2 and newer.
    .proof = The server ends the handshake with the alert protocol_version, or chooses a version older than those offered.
    .look-alikes = tls-handshake-failed: there the version fits, but the cipher, the key or the name does not.
    .remedy = Turn on TLS 1.2 and 1.3 on the server.

tls-protocol-too-old-fix-server = { $software ->
        [coturn] If turnserver.conf has no-tlsv1_2, or the command line --no-tlsv1, remove it, then run systemctl restart coturn.
       *[other] Turn on TLS 1.2 and 1.3 in the server's settings; this shows what it offers.
    }
    .command = { $software ->
        [coturn] sed -i 's/^no-tlsv1_2$/#no-tlsv1_2/' /etc/turnserver.conf && systemctl restart coturn
       *[other] openssl s_client -connect { $endpoint ->
            [none] { $server }:{ $port }
           *[other] { $endpoint }
        } -servername { $sni } -tls1_2 </dev/null
    }

tls-handshake-failed = the TLS handshake fails
    .summary = { $manner ->
        [alert] { $host } ends the { $transport } handshake on port { $port } with the alert { $alert }.
        [closed] { $host } closes the connection during the { $transport } handshake on port { $port }.
        [failed] The { $transport } handshake with { $host } on port { $port } fails{ $reason ->
            [none] .
           *[other] : { $reason }.
        }
       *[silent] { $host } does not complete the { $transport } handshake on port { $port }.
    }
    .impact = Browsers can't use TURN over TLS here, so users whose network lets only TLS out get no relay.
    .meaning = The TLS port accepts connections, but the handshake fails: the key does not belong to the certificate, the server can't read its certificate, or client and server have no cipher in common.
    .proof = During the handshake the server sends an alert, closes the connection or stays silent, or what it signs does not fit its certificate.
    .look-alikes = tls-protocol-too-old: it has an alert of its own (protocol_version). A filter that lets TCP pass and cuts TLS looks like a server that closes or stays silent; from another network the handshake then works.
    .remedy = Read the alert and the server's log, use a certificate and key that belong together and that the server can read, and allow current ciphers.

tls-handshake-failed-fix-server = { $alert ->
        [bad_certificate] Turn off the request for a client certificate: browsers have none.
        [unrecognized_name] Have the server accept the name { $sni }: it says that it does not know it.
        [unrecognised_name] Have the server accept the name { $sni }: it says that it does not know it.
        [no_application_protocol] Have the server accept TURN without ALPN: it wants another protocol.
       *[other] { $software ->
            [coturn] Make cert= and pkey= name files that belong together and that coturn's user can read, then run systemctl restart coturn. The two sums are equal if they belong together.
           *[other] Use a certificate and a key that belong together and that the server can read, then restart it. The two sums are equal if they belong together.
        }
    }
    .command = { $alert ->
        [certificate_required] {""}
        [bad_certificate] {""}
        [unrecognized_name] {""}
        [unrecognised_name] {""}
        [no_application_protocol] {""}
       *[other]
            openssl x509 -noout -pubkey -in <certificate> | openssl sha256
            openssl pkey -pubout -in <key> | openssl sha256
    }

tls-handshake-failed-fix-server-2 = This shows the handshake; the server's log says why it fails.
    .command = openssl s_client -connect { $endpoint ->
        [none] { $server }:{ $port }
       *[other] { $endpoint }
    } -servername { $sni } { $transport ->
        [DTLS] -dtls
       *[other] -showcerts
    } </dev/null

tls-client-certificate-required = the server wants a client certificate
    .summary = { $host } wants a TLS client certificate on port { $port }, and browsers have none for TURN.
    .impact = Users get no relay over TLS; those whose network lets only TLS out can't call without a direct path.
    .meaning = The server asks each client for a certificate of its own and refuses whoever has none. Browsers never present one to a TURN server. In turnserver.conf the line CA-file does that: it is for client certificates, not for the server's chain.
    .proof = The server asked for a certificate (CertificateRequest), got none, and ended the connection.
    .look-alikes = tls-handshake-failed: there the server asked for no certificate. A server that asks and goes on without one is fine.
    .remedy = Turn off the request for client certificates.

tls-client-certificate-required-fix-server = { $software ->
        [coturn] Remove CA-file from turnserver.conf, and restart coturn; the server's own chain belongs into cert.
       *[other] Turn off the request for client certificates. In coturn, remove CA-file from turnserver.conf and restart it; the chain belongs into cert.
    }
    .command = sed -i '/^CA-file/d' /etc/turnserver.conf && systemctl restart coturn

tls-expects-proxy-header = the TLS port expects the header of a proxy
    .summary = Port { $port } of { $host } expects the header of a proxy (PROXY protocol), which browsers don't send.
    .impact = Users get no relay over TLS; those whose network lets only TLS out can't call without a direct path.
    .meaning = Behind a load balancer a server may read the client's address from a header before the TLS handshake. Here the server, or a proxy in front of it, waits for that header, and the load balancer does not send it, or clients reach the port without the load balancer.
    .proof = The port is silent to a TLS handshake, or closes the connection; behind a PROXY header the same handshake is answered.
    .look-alikes = tls-handshake-failed: there a PROXY header changes nothing.
    .remedy = Turn off the PROXY protocol where the connections are taken, or turn it on in the load balancer.

tls-expects-proxy-header-fix-server = Take the connections without that header: remove accept-proxy from haproxy's bind line, or proxy_protocol from nginx's listen line.
    .command = grep -rnE 'accept-proxy|proxy_protocol|tcp-proxy-port' /etc/haproxy /etc/nginx /etc/turnserver.conf

tls-expects-proxy-header-fix-server-2 = If a load balancer stands in front, have it send the header on port { $port } instead (PROXY protocol, version 2).

tcp-expects-proxy-header = the TCP port expects the header of a proxy
    .summary = Port { $port } of { $host } expects the header of a proxy (PROXY protocol), which browsers don't send.
    .impact = Users get no relay over TCP; those whose network blocks UDP can't call without a direct path or TLS.
    .meaning = Behind a load balancer a server may read the client's address from a header that comes before everything else. Here the server, or a proxy in front of it, waits for that header, and the load balancer does not send it, or clients reach the port without the load balancer.
    .proof = The port takes the connection and answers nothing; behind a PROXY header the same request is answered.
    .look-alikes = turn-tcp-closed: there a PROXY header changes nothing.
    .remedy = Turn off the PROXY protocol where the connections are taken, or turn it on in the load balancer.

tcp-expects-proxy-header-fix-server = Take the connections without that header: remove accept-proxy from haproxy's bind line, or proxy_protocol from nginx's listen line.
    .command = grep -rnE 'accept-proxy|proxy_protocol|tcp-proxy-port' /etc/haproxy /etc/nginx /etc/turnserver.conf

tcp-expects-proxy-header-fix-server-2 = If a load balancer stands in front, have it send the header on port { $port } instead (PROXY protocol, version 2).

tls-port-speaks-plain = the TLS port speaks TURN without TLS
    .summary = Port { $port } of { $host } speaks TURN without TLS, and the list asks for TLS there.
    .impact = Users get no relay over TLS; those whose network lets only TLS out can't call without a direct path.
    .meaning = The TURN server answers on this port, but plainly: it has no certificate, TLS is turned off for the port, or a load balancer hands the port on to the one without TLS.
    .proof = The TLS handshake fails, and a STUN request without TLS is answered on the same port.
    .look-alikes = tls-not-turn: there something other than TURN has the port.
    .remedy = Give the server a certificate and turn on TLS on the port.

tls-port-speaks-plain-fix-server = { $software ->
        [coturn] Give coturn a certificate that it can read (cert and pkey), remove no-tls, and restart it.
       *[other] Give the server a certificate and turn on TLS on port { $port }, or have the load balancer hand the port on to the one with TLS.
    }
    .command = { $software ->
        [coturn] grep -nE '^(cert|pkey|no-tls|tls-listening-port)' /etc/turnserver.conf
       *[other] openssl s_client -connect { $endpoint ->
            [none] { $server }:{ $port }
           *[other] { $endpoint }
        } -servername { $sni } </dev/null
    }

tls-port-speaks-plain-fix-application = Until then, list the port without TLS.
    .command = turn:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:{ $port }?transport=tcp

tls-certificate-expired = the TLS certificate has expired
    .summary = The TLS certificate of { $host } (port { $port }) expired { $days ->
        [none] some time ago
        [0] within the last 24 hours
        [one] { $days } day ago
       *[other] { $days } days ago
    }.
    .impact = Browsers refuse TURN over TLS here, so users whose network lets only TLS out get no relay.
    .meaning = The TURN server's certificate, or one of its intermediates, is no longer valid. Most often the renewal failed, or the server was not told to load the new file.
    .proof = The last valid day of the certificate that the server sent (notAfter) is in the past by this host's clock.
    .look-alikes = clock-skew: if this host's clock is wrong, certificates of unrelated hosts look expired too.
    .remedy = Renew the certificate, and have the server load the new file.

tls-certificate-expired-fix-server = { $software ->
        [coturn] Renew the certificate and restart coturn: it goes on using the old file otherwise.
       *[other] Renew the certificate and restart the TURN server: it may go on using the old file otherwise.
    }
    .command = { $software ->
        [coturn] certbot renew && systemctl restart coturn
       *[other] certbot renew
    }

tls-certificate-not-yet-valid = the TLS certificate is not valid yet
    .summary = The TLS certificate of { $host } (port { $port }) is not valid yet.
    .impact = Browsers refuse TURN over TLS here until that day, so users whose network lets only TLS out get no relay.
    .meaning = The first valid day of the TURN server's certificate is still to come: it was issued for a later date, or on a host whose clock is ahead.
    .proof = The first valid day of the certificate that the server sent (notBefore) is in the future by this host's clock.
    .look-alikes = clock-skew: if this host's clock is behind, certificates of unrelated hosts look the same.
    .remedy = Install a certificate that is valid now, or wait until this one is.

tls-certificate-not-yet-valid-fix-server = Install a certificate that is valid now, and correct the clock of the host that issued this one; the command shows its dates.
    .command = openssl s_client -connect { $endpoint ->
        [none] { $server }:{ $port }
       *[other] { $endpoint }
    } -servername { $sni } </dev/null | openssl x509 -noout -dates

tls-name-mismatch = the TLS certificate is for another name
    .summary = { $names ->
        [none] The TLS certificate of { $host } (port { $port }) holds no name, so it is not for { $sni }.
       *[other] The TLS certificate of { $host } is for { $names }, not for { $sni }.
    }
    .impact = Browsers refuse turns: URLs with this host, so users whose network lets only TLS out get no relay.
    .meaning = None of the names in the certificate is the host in the turns: URL. The URL has another name or a bare address, or the server shows the certificate of another service.
    .proof = None of the certificate's names (subjectAltName) fits the host that was asked for.
    .look-alikes = wrong-host: if the names belong to somebody else, DNS may point to the wrong address.
    .remedy = List the server by a name in its certificate, or get a certificate for the listed name.

tls-name-mismatch-fix-server = Get a certificate for { $sni }, and have the TURN server use it.
    .command = certbot certonly --standalone -d { $sni }

tls-name-mismatch-fix-application = { $names ->
        [none] {""}
       *[other] If this is the right server, list it by a name in its certificate ({ $names }) instead of { $sni }.
    }

tls-chain-incomplete = the intermediate TLS certificate is missing
    .summary = { $host } (port { $port }) sends its TLS certificate without the intermediate ({ $issuer }).
    .impact = Browsers refuse TURN over TLS here, even if a web page on the same host opens; users who need TLS get no relay.
    .meaning = The server sends only its own certificate. The intermediate, which links it to a trusted root, is missing: usually cert.pem is configured instead of fullchain.pem.
    .proof = The server sends a single certificate that is not self-signed, and its issuer is not a trusted root.
    .look-alikes = tls-untrusted-issuer: a private authority without an intermediate looks the same. If the issuer is a public authority, the intermediate is missing.
    .remedy = Configure the file with the whole chain (fullchain.pem), and restart the server.

tls-chain-incomplete-fix-server = { $software ->
        [coturn] In turnserver.conf, let cert= name the file with the whole chain, then run systemctl restart coturn.
       *[other] Configure the file with the whole chain (fullchain.pem), and restart the server; the command shows what it sends.
    }
    .command = { $software ->
        [coturn] cert=/etc/coturn/fullchain.pem
       *[other] openssl s_client -connect { $endpoint ->
            [none] { $server }:{ $port }
           *[other] { $endpoint }
        } -servername { $sni } -showcerts </dev/null
    }

tls-untrusted-issuer = the TLS certificate is not trusted
    .summary = The TLS certificate of { $host } (port { $port }) is not trusted: its issuer is { $issuer }.
    .impact = Browsers refuse TURN over TLS here, so users whose network lets only TLS out get no relay.
    .meaning = The certificate is self-signed, or its chain ends in a root that is not trusted here. A browser can't ask its user about a TURN server's certificate, so it simply fails.
    .proof = The chain that the server sends does not lead to a trusted root.
    .look-alikes = tls-chain-incomplete: there a public authority's intermediate is missing. tls-intercepted: there unrelated hosts show the same unknown issuer.
    .remedy = Use a certificate of a public authority. If the authority is your own, its root must be installed on each user's device; give it to callcheck with --ca.

tls-untrusted-issuer-fix-server = Use a certificate of a public authority.
    .command = certbot certonly --standalone -d { $sni }

tls-untrusted-issuer-fix-client = If the authority is your own and its root is on all users' devices, give the root to callcheck.
    .command = callcheck turn { $listed ->
        [none] { $host }
       *[other] { $listed }
    } --ca root.pem

tls-not-turn = the TLS port has no TURN server
    .summary = { $manner ->
        [not-tls] { $host } does not speak TLS on port { $port }.
       *[inside] { $protocol ->
            [http] TLS works on port { $port } of { $host }, but a web server answers inside, not TURN.
           *[other] TLS works on port { $port } of { $host }, but no TURN server answers inside.
        }
    }
    .impact = Users get no relay over TLS; those whose network lets only TLS out can't call without a direct path.
    .meaning = Something other than TURN has the port: a web server or reverse proxy that does not pass TURN on, or a service without TLS.
    .proof = What answers on the port is not TLS. Or TLS opens with a trusted certificate, and inside it the answer to STUN and TURN requests is HTTP, a closed connection or silence.
    .look-alikes = wrong-host: there the plain ports speak another protocol too. tls-intercepted: there the certificate is not the server's own.
    .remedy = Give the port to the TURN server, or have the proxy pass TURN on by the name in the TLS handshake (SNI).

tls-not-turn-fix-server = { $manner ->
        [not-tls] See what listens on port { $port }; if it is the TURN server, give it a certificate and turn on TLS there.
       *[inside] See what listens on port { $port }: give the port to the TURN server, or have the proxy pass TURN on unchanged.
    }
    .command = ss -lntup 'sport = :{ $port }'

tls-not-turn-fix-application = { $manner ->
        [not-tls] If the port is for TURN without TLS, list it as turn: instead of turns:.
       *[inside] If the TURN server has its TLS on another port, list that one.
    }

tls-certificate-expires-soon = the TLS certificate expires within two weeks
    .summary = The TLS certificate of { $host } (port { $port }) expires { $days ->
        [none] within two weeks
        [0] within 24 hours
        [one] in { $days } day
       *[other] in { $days } days
    }.
    .impact = Calls work now; from that day on, browsers refuse TURN over TLS here.
    .meaning = The TURN server's certificate ends in less than 14 days. Most renewals happen earlier, so either the renewal fails, or the server still uses the old file.
    .proof = The last valid day of the certificate that the server sent (notAfter) is less than 14 days away.
    .look-alikes = A certificate that was renewed but not loaded looks the same from outside: compare with the file on the host.
    .remedy = See why the certificate was not renewed, and have the server load the new one.

tls-certificate-expires-soon-fix-server = { $software ->
        [coturn] Renew the certificate and restart coturn, and have both happen automatically.
       *[other] Renew the certificate and restart the TURN server, and have both happen automatically.
    }
    .command = { $software ->
        [coturn] certbot renew && systemctl restart coturn
       *[other] certbot renew
    }
