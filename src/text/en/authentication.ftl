# TURN authentication.
#
# New arguments:
#   $ago   how long ago the credentials expired, in words: "3 h", "2 days"
#   $user  the TURN user name that was tried
# $names holds the realms that were seen, for several-servers-on-a-port.

realm-missing = the login challenge lacks a realm
    .summary = { $host } sends a login challenge without a realm or without a nonce on { $transport } port { $port }.
    .impact = No client can log in, so nobody gets a relay from this server; calls that need it fail.
    .meaning = A TURN server answers the first request with a realm and a nonce, and a client needs both to sign the next one. This server leaves one of them out.
    .proof = The 401 answer to a request without credentials has no realm or no nonce.
    .look-alikes = realm-empty: there the realm is sent, and is empty. credentials-rejected: there the challenge is complete, and the server refuses the signed request.
    .remedy = Configure a realm on the TURN server and restart it.

realm-missing-fix-server = { $software ->
        [coturn] Set a realm in turnserver.conf, for example your domain, then run systemctl restart coturn.
       *[other] Configure a realm, for example your domain, and turn on authentication with long-term credentials.
    }
    .command = { $software ->
        [coturn] realm=example.org
       *[other] {""}
    }

realm-empty = the realm is empty
    .summary = { $host } has no realm, so browsers get no relay candidate from it.
    .impact = Browsers and apps built on libwebrtc get no relay from this server; calls that need it fail.
    .meaning = A TURN server names a realm when it asks for a login. This server names an empty one, usually because none is configured. Some clients log in all the same, but libwebrtc, on which Chrome and most apps are built, gives up without an error.
    .proof = The 401 answer to a request without credentials has an empty realm.
    .look-alikes = realm-missing: there the answer has no realm at all, and no client logs in.
    .remedy = Configure a realm on the TURN server and restart it.

realm-empty-fix-server = { $software ->
        [coturn] Set a realm in turnserver.conf, for example your domain, then run systemctl restart coturn.
       *[other] Configure a realm, for example your domain, and turn on authentication with long-term credentials.
    }
    .command = { $software ->
        [coturn] realm=example.org
       *[other] {""}
    }

credentials-expired = the TURN credentials have expired
    .summary = { $ago ->
        [none] The TURN credentials have expired, so { $host } refuses them.
       *[other] The TURN credentials expired { $ago } ago, so { $host } refuses them.
    }
    .impact = Clients with these credentials get no relay; calls that need one fail.
    .meaning = The user name of ephemeral (REST) credentials begins with the time at which they expire, and that time has passed. Either their lifetime is too short, or the application keeps using old ones.
    .proof = The server refuses a correctly signed request, and the expiry time in the user name is in the past.
    .look-alikes = credentials-malformed: if the time is only minutes old, the application may have written the time of issue instead of the expiry. clock-skew: there the time has not passed by this host's clock, but has by other clocks.
    .remedy = Fetch fresh credentials before each call, and let them live longer than a call.

credentials-expired-fix-application = Fetch fresh credentials before each call and let them live longer than a call: a day is usual.
    .command = U="$(($(date +%s) + 86400)):user"; echo "$U"; printf %s "$U" | openssl dgst -sha1 -hmac "$SECRET" -binary | base64

credentials-expire-soon = the credentials expire within minutes
    .summary = These credentials expire in { $left }; a page that is open longer gets no relay for its next call.
    .impact = Calls that begin now work. Whoever opened the page earlier, or keeps it open, gets no relay any more; some servers end running calls too.
    .meaning = The user name starts with the time at which the credentials expire, and that is less than ten minutes away. The application's server gives out credentials for so short a time, or these were fetched a while ago.
    .proof = The time in the user name is less than ten minutes ahead of this host's clock.
    .look-alikes = credentials-expired: there the time has passed.
    .remedy = Give out credentials for a day, or have the page fetch new ones before each call.

credentials-expire-soon-fix-application = Have the backend give out credentials for a day (expiry = now + 86400), or have the page fetch new ones before each call.

credentials-malformed = the TURN credentials are built wrongly
    .summary = { $oddity ->
        [stamp-in-milliseconds] The time in the TURN user name is in milliseconds; { $host } expects seconds.
        [stamp-is-issue-time] The time in the TURN user name is the time of issue; { $host } expects the expiry time.
        [password-is-hex] The TURN password is an HMAC in hexadecimal; { $host } expects base64.
        [password-not-base64-hmac] The TURN user name is ephemeral, but the password is no base64 HMAC-SHA1; { $host } refuses it.
        [surrounding-space] The TURN user name or password starts or ends with white space; { $host } refuses it.
        [name-with-space] The TURN user name contains a space; { $host } refuses it.
        [name-not-ascii] The TURN user name contains characters outside ASCII; { $host } refuses it.
        [password-not-ascii] The TURN password contains characters outside ASCII; { $host } refuses it.
       *[other] The TURN credentials are not in the form that { $host } expects.
    }
    .impact = Clients with these credentials get no relay; calls that need one fail.
    .meaning = Ephemeral (REST) credentials follow fixed rules: the user name is the expiry time in seconds since 1970, a colon and an id; the password is the base64 text of HMAC-SHA1(secret, user name). These credentials break a rule, or they contain characters that some servers refuse.
    .proof = The server refuses a correctly signed request, and the credentials show the mistake: a time in milliseconds, a password in hexadecimal or of the wrong length, or white space around them.
    .look-alikes = credentials-rejected: if the server knows an ordinary user by this name, only the password is wrong.
    .remedy = Build the password as base64(HMAC-SHA1(secret, "expiry:id")), with the expiry in seconds.

credentials-malformed-fix-application = { $oddity ->
        [stamp-in-milliseconds] Divide the time by 1000 before it goes into the user name, then sign that user name.
        [stamp-is-issue-time] Add the lifetime to the time in the user name, for example 86400 seconds, then sign that user name.
        [password-is-hex] Encode the raw bytes of the HMAC as base64, not as hexadecimal.
        [surrounding-space] Strip white space from the credentials; a line end in the file of a secret is the usual source.
        [name-with-space] Use a user name of plain ASCII without spaces.
        [name-not-ascii] Use a user name of plain ASCII without spaces.
        [password-not-ascii] Use a password of plain ASCII.
       *[other] Build the credentials like this: sign the whole user name, and use the secret as plain text.
    }
    .command = { $oddity ->
        [surrounding-space] {""}
        [name-with-space] {""}
        [name-not-ascii] {""}
        [password-not-ascii] {""}
       *[other] U="$(($(date +%s) + 86400)):user"; echo "$U"; printf %s "$U" | openssl dgst -sha1 -hmac "$SECRET" -binary | base64
    }

clock-skew = this host's clock is wrong
    .summary = { $manner ->
        [certificate] { $clock ->
            [behind] This host's clock is { $skew } behind, so the TLS certificate of { $host } looks not valid yet.
            [ahead] This host's clock is { $skew } ahead, so the TLS certificate of { $host } looks expired.
           *[other] This host's clock is wrong, so the TLS certificate of { $host } looks out of date.
        }
       *[credentials] { $clock ->
            [behind] This host's clock is { $skew } behind, so { $host } refuses the TURN credentials as expired.
            [ahead] This host's clock is { $skew } ahead, so { $host } refuses the TURN credentials.
           *[other] This host's clock is wrong, so { $host } refuses the TURN credentials as expired.
        }
    }
    .impact = { $manner ->
        [certificate] Clients on this host reject the certificate and get no relay over TLS.
       *[credentials] Clients get no relay with credentials that were made by this clock; calls that need one fail.
    }
    .meaning = Ephemeral credentials and certificates carry dates. A host with a wrong clock makes credentials that have already expired for everybody else, and takes a valid certificate for an expired one.
    .proof = This host's clock differs from the clocks of unrelated web servers; by those clocks the credentials have expired, or the certificate is valid.
    .look-alikes = credentials-rejected: a wrong shared secret gets the same refusal, and so do correct credentials if the server's own clock is ahead. credentials-expired: there this host's clock is right.
    .remedy = Synchronize the clocks of this host, of the TURN server and of the host that makes the credentials.

clock-skew-fix-client = Synchronize this host's clock.
    .command = timedatectl set-ntp true && timedatectl timesync-status

clock-skew-fix-application = { $manner ->
        [certificate] {""}
       *[credentials] Check the clock of the host that makes the credentials.
    }
    .command = timedatectl status

credentials-rejected = the TURN server rejects the credentials
    .summary = { $code ->
        [none] { $host } rejects the TURN credentials: unknown user, wrong password or wrong secret.
       *[other] { $host } rejects the TURN credentials (error { $code }): unknown user, wrong password or wrong secret.
    }
    .impact = Clients with these credentials get no relay; calls that need one fail.
    .meaning = The server does not know the user, or it knows a different password or shared secret. Its answer is the same in each case, on purpose, so this can't be told from outside.
    .proof = The server answers a request that was signed with these credentials and its own realm and nonce with 401 (some servers: 400).
    .look-alikes = credentials-expired, credentials-malformed and clock-skew get the same answer; the time in an ephemeral user name tells them apart. realm-missing: there the server never looks at the credentials.
    .remedy = Use the same user, password or shared secret in the application and on the server.

credentials-rejected-fix-server = { $login ->
        [ephemeral] { $software ->
            [coturn] Set the secret of which the application makes its credentials in turnserver.conf, without quotes and without a comment after it, remove lt-cred-mech, and run systemctl restart coturn.
           *[other] Set the secret of which the application makes its credentials on the server, too.
        }
       *[fixed] { $software ->
            [coturn] Put the user of iceServers with its password into turnserver.conf, remove use-auth-secret and static-auth-secret, which exclude fixed users, and run systemctl restart coturn.
           *[other] Check that the server has this user with this password, in the realm that it announces.
        }
    }
    .command = { $software ->
        [coturn] { $login ->
            [ephemeral]
                use-auth-secret
                static-auth-secret=SECRET
           *[fixed]
                lt-cred-mech
                user=NAME:PASSWORD
        }
       *[other] {""}
    }

credentials-rejected-fix-application = { $login ->
        [ephemeral] Or have the application make its credentials of the server's secret.
       *[fixed] Compare the user name and password in iceServers with those on the server: case counts. If the server wants ephemeral credentials, have the backend make them of its secret.
    }

credentials-rejected-fix-server-2 = { $software ->
        [coturn] Read coturn's log: if it can't reach its user database, it rejects every login.
       *[other] {""}
    }
    .command = journalctl -u coturn -n 100

realm-mismatch = the server refuses its own realm
    .summary = { $host } refuses requests made in the realm that it announces itself (error 437, from several local ports).
    .impact = Clients get no relay from this server; calls that need it fail.
    .meaning = The server announces a realm and then refuses requests that are signed for it. It has several realms, or several servers with different realms share the address.
    .proof = A request in the announced realm gets error 437, and again from a new local port.
    .look-alikes = A single 437 comes from a local port that was used a moment before and is no fault. credentials-rejected: there the error is 401.
    .remedy = Configure one realm, the same on every server behind the address.

realm-mismatch-fix-server = { $software ->
        [coturn] Keep one realm in turnserver.conf and none in the database (tables turn_origin_to_realm and turn_realm_option), then run systemctl restart coturn.
       *[other] Configure a single realm, and announce it in the login challenge.
    }
    .command = { $software ->
        [coturn] realm=example.org
       *[other] {""}
    }

realm-mismatch-fix-server-2 = If several servers share the address, give all of them the same realm.

nonce-loop = the server calls every nonce stale
    .summary = { $host } calls every nonce stale, even one that it sent a moment before (error 438 again and again).
    .impact = Clients can't log in and get no relay from this server; calls that need it fail.
    .meaning = The server hands out a nonce and refuses it at once as stale. The requests of one client reach different servers that don't know each other's nonces, or nonces live only a moment.
    .proof = A signed request with a fresh nonce gets error 438 each time.
    .look-alikes = A single 438 is normal: nonces expire, and the client goes on with a new one. several-servers-on-a-port: there some requests are accepted.
    .remedy = Send all packets of a client to the same server, and let nonces live for minutes.

nonce-loop-fix-server = { $software ->
        [coturn] Let nonces live for ten minutes: set this in turnserver.conf, then run systemctl restart coturn.
       *[other] Let nonces live for several minutes.
    }
    .command = { $software ->
        [coturn] stale-nonce=600
       *[other] {""}
    }

nonce-loop-fix-server-2 = If a load balancer is in front of several servers, keep each client on one server, by its source address.

allocation-refused = the server refuses a correct request for a relay
    .summary = { $manner ->
        [silent] { $host } answers other requests, but not a request for a relay over { $transports }.
        [closed] { $host } closes the connection when a client asks for a relay over { $transports }.
        [unusable] { $host } answers a request for a relay with a message that clients can't use.
       *[error] { $code ->
            [none] { $host } refuses a correct request for a relay.
            [400] { $host } refuses a correct request for a relay with error 400 (bad request).
            [420] { $host } refuses a correct request for a relay with error 420 (unknown attribute).
            [437] { $host } refuses a correct request for a relay with error 437, from new local ports too.
            [438] { $host } refuses a request for a relay with error 438 (stale nonce) and sends no new nonce.
            [500] { $host } refuses a correct request for a relay with error 500 (server error).
           *[other] { $host } refuses a correct request for a relay with error { $code }.
        }
    }
    .impact = Clients get no relay from this server; calls that need it fail.
    .meaning = The request follows the standard, but the server answers it with an unusual error, or not at all. Some servers refuse user names and realms with spaces or characters outside ASCII; others crash on the request or fail inside.
    .proof = The server answers other requests, but a correctly signed request for a relay gets an error such as 400 or 500, no answer, or a closed connection.
    .look-alikes = credentials-rejected: some servers (pion, webrtc-rs) answer 400 to a wrong password. turn-disabled: there the server gives a relay over no transport. packet-loss: there a second run gets an answer.
    .remedy = Read the server's log of that moment, and use a user name and a realm of plain ASCII without spaces.

allocation-refused-fix-server = { $manner ->
        [silent] { $software ->
            [coturn] Check whether coturn crashed: it does if min-port is above max-port. It also answers nobody if max-bps is very small.
           *[other] Check whether the server crashes or hangs on the request, and read its log of that moment.
        }
        [closed] { $software ->
            [coturn] Check whether coturn crashed: it does if min-port is above max-port.
           *[other] Check whether the server crashes on the request, and read its log of that moment.
        }
       *[other] { $software ->
            [coturn] Read coturn's log of that moment; with the line verbose in turnserver.conf it says more.
           *[other] Read the server's log of that moment, and update the server.
        }
    }
    .command = { $software ->
        [coturn] systemctl status coturn; journalctl -u coturn -n 100
       *[other] {""}
    }

allocation-refused-fix-application = { $manner ->
        [silent] {""}
        [closed] {""}
        [unusable] {""}
       *[error] Use a user name, password and realm of plain ASCII without spaces.
    }

allocation-refused-fix-server-2 = { $manner ->
        [silent] If only UDP is silent, look at the TTL of the server's answers: coturn 4.17.0 and 4.17.1 send some with TTL 1, which the first router drops. Update coturn.
       *[other] {""}
    }
    .command = tcpdump -ni any -v udp port { $port ->
            [none] 3478
           *[other] { $port }
        }

turn-open-relay = anyone may use the relay
    .summary = { $host } gives a relay to anyone, without a login.
    .impact = Calls work, but strangers can use up the server's ports and bandwidth and attack others from its address.
    .meaning = The server grants allocations without credentials. Strangers can send their traffic through it, also into its own network.
    .proof = A request without credentials gets a relay.
    .look-alikes = None: every other TURN server answers such a request with 401.
    .remedy = Turn on authentication.

turn-open-relay-fix-server = { $software ->
        [coturn] Remove no-auth from turnserver.conf, add these lines with a long random secret, then run systemctl restart coturn.
       *[other] Turn on authentication with long-term credentials: a realm, and a user or a shared secret.
    }
    .command = { $software ->
        [coturn]
            use-auth-secret
            static-auth-secret=SECRET
            realm=example.org
       *[other] {""}
    }

turn-open-relay-fix-server-2 = { $software ->
        [coturn] Check that coturn may read its file: if it can't, it starts without any login.
       *[other] {""}
    }
    .command = sudo -u turnserver cat /etc/turnserver.conf >/dev/null && echo readable

several-servers-on-a-port = different TURN servers answer on one port
    .summary = { $manner ->
        [different] { $host } announces different realms ({ $names }): more than one TURN server answers there.
       *[other] { $host } accepts the login on one connection and refuses it on the next: different TURN servers answer there.
    }
    .impact = Logins fail by chance: a client gets a relay only if its packets reach the right server.
    .meaning = Several TURN servers with different settings answer at one address and port: two processes on one port, or replicas behind a balancer. What one of them accepts, a login or a nonce, the next one refuses.
    .proof = The same login is accepted on one connection and refused on another, or the server announces different realms.
    .look-alikes = credentials-rejected: there every connection is refused. nonce-loop: there every nonce is refused.
    .remedy = Keep one TURN server on the port, or give all of them the same realm, users and secret.

several-servers-on-a-port-fix-server = Check how many TURN servers run on the host, and stop those that should not.
    .command = ss -lntup | grep -i turn

several-servers-on-a-port-fix-server-2 = If the servers are replicas behind a balancer, give all of them the same realm, users and secret, and keep each client on one server, by its source address.
