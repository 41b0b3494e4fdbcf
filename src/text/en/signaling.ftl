# Signaling.
#
# New arguments:
# $login: sent or none, whether the account had something to log in with.
# $reason: in signaling-unreachable what is wrong with the certificate (expired, not-yet-valid, different, untrusted-issuer, chain-incomplete)
#   or with the handshake (alert, too-old, closed, silent); in offer-altered how the description differs (altered, unusable).
# $path: in what is about the endpoint its path, "/socket.io/".

signaling-unreachable = the signaling server can't be reached
    .summary = { $manner ->
            [refused] The signaling server { $url } refuses connections: nothing listens there.
            [rejected] A router or firewall rejects connections to the signaling server { $url }.
            [no-route] This host has no route to the signaling server { $url }.
            [denied] This host's own firewall forbids connections to the signaling server { $url }.
            [certificate] { $reason ->
                [expired] The TLS certificate of the signaling server { $url } has expired.
                [not-yet-valid] The TLS certificate of the signaling server { $url } is not valid yet.
                [different] The TLS certificate of the signaling server { $url } is not for { $name }.
                [untrusted-issuer] The TLS certificate of the signaling server { $url } comes from an untrusted issuer.
                [chain-incomplete] The signaling server { $url } sends its certificate without the intermediate one.
               *[other] The TLS certificate of the signaling server { $url } is not trusted.
            }
            [handshake] { $alert ->
                [none] { $reason ->
                    [too-old] The signaling server { $url } offers nothing newer than TLS 1.1.
                    [closed] The signaling server { $url } closes the connection during the TLS handshake.
                    [silent] The signaling server { $url } does not answer the TLS handshake.
                   *[other] The TLS handshake with the signaling server { $url } fails.
                }
               *[other] The signaling server { $url } ends the TLS handshake with the alert { $alert }.
            }
            [not-tls] The signaling server { $url } does not speak TLS on this port.
            [proxy] The proxy in front of the signaling server { $url } can't reach it (status { $status }).
            [error] The signaling server { $url } fails with status { $status }.
            [hangs] The signaling server { $url } accepts the request but never answers it.
            [closes] The signaling server { $url } closes the connection without an answer.
            [not-http] The signaling server { $url } does not speak HTTP on this port.
           *[silent] The signaling server { $url } does not answer.
        }
    .impact = No call can be set up: offers and answers don't get through.
    .meaning = Nothing listens at the signaling server's address, it stays silent, its TLS certificate is not accepted, or a proxy in front of it answers 502, 503 or 504 because the application behind it is down.
    .proof = The TCP connection, the TLS handshake or the first request to the Engine.IO endpoint fails, or its status is 500 or above.
    .look-alikes = signaling-wrong-path: there a server answers, with 404 or a web page. dns-not-found: there the name has no address.
    .remedy = Start the signaling server, open its port, renew its certificate, or correct the address that the proxy passes requests to.

signaling-unreachable-fix-application = { $manner ->
        [not-tls] Use http:// in the URL of the signaling server, or the port on which it speaks TLS.
        [not-http] Check the scheme and the port in the URL of the signaling server: a port that speaks TLS needs https://.
       *[other] {""}
    }

signaling-unreachable-fix-client = { $manner ->
        [no-route] Give this host a route to { $server }.
        [denied] Allow outgoing TCP to port { $port } in this host's firewall (shown with ufw; firewalld and nftables need the same rule).
       *[other] {""}
    }
    .command = { $manner ->
            [no-route] ip route get { $server }
            [denied] ufw allow out { $port }/tcp
           *[other] {""}
        }

signaling-unreachable-fix-signaling = { $manner ->
        [refused] Start the signaling server and let it listen on port { $port } of its public address.
        [certificate] { $reason ->
            [different] Install a certificate for { $name }, with its intermediate certificates.
            [chain-incomplete] Install the full chain: the server's certificate and then its intermediate ones.
            [untrusted-issuer] Install a certificate of a public authority; for a private authority give its root with --ca.
           *[other] Install a valid certificate for { $name }, with its intermediate certificates.
        }
        [handshake] Check the TLS settings of the signaling server or of the proxy in front of it: versions, certificate, key.
        [proxy] Start the application behind the proxy, and check the address and port that the proxy passes requests to.
        [error] Look for this request's error in the signaling server's log.
        [hangs] Find out why the signaling server hangs, and restart it.
        [closes] Look for the closed connection in the logs of the signaling server and of the proxy in front of it.
        [not-tls] {""}
        [not-http] {""}
        [no-route] {""}
        [denied] {""}
       *[silent] Start the signaling server, and open TCP port { $port } in its firewall and in the provider's (security group).
    }
    .command = { $manner ->
            [refused] ss -ltnp 'sport = :{ $port }'
            [certificate] openssl s_client -connect { $url } -servername { $name } -verify_return_error </dev/null
            [handshake] openssl s_client -connect { $url } -servername { $name } </dev/null
            [proxy] curl -i '{ $url }{ $path }?EIO=4&transport=polling'
            [error] curl -i '{ $url }{ $path }?EIO=4&transport=polling'
            [hangs] curl -i '{ $url }{ $path }?EIO=4&transport=polling'
            [closes] curl -i '{ $url }{ $path }?EIO=4&transport=polling'
            [not-tls] {""}
            [not-http] {""}
            [no-route] {""}
            [denied] {""}
           *[silent] ufw allow { $port }/tcp
        }

signaling-wrong-path = the signaling server is not at this path
    .summary = { $manner ->
            [redirect] { $target ->
                [none] { $url }{ $path } redirects elsewhere (status { $status }); Socket.IO clients don't follow.
               *[other] { $url }{ $path } redirects to { $target } (status { $status }).
            }
            [page] { $url }{ $path } is a web page, not a Socket.IO endpoint.
            [upgrade] { $url }{ $path } accepts the upgrade, but does not speak WebSocket.
           *[status] { $status ->
                [none] { $url }{ $path } is not a Socket.IO endpoint.
               *[other] { $url }{ $path } is not a Socket.IO endpoint (status { $status }).
            }
        }
    .impact = No call can be set up: clients never get a connection to the signaling server.
    .meaning = Something answers at the signaling server's address, but not with an Engine.IO handshake: it sends 404, a redirect or a web page. Either the path differs from the server's, or the proxy passes it to something else, often to the application's own page.
    .proof = The handshake at the configured path gets a status below 500, but no Engine.IO session.
    .look-alikes = signaling-unreachable: there nothing answers, or a proxy reports that the server is down.
    .remedy = Use the server's own path, /socket.io/ by default, and pass it on in the proxy.

signaling-wrong-path-fix-application = { $manner ->
        [redirect] { $target ->
            [none] Use the URL that the redirect names, in the application and in signaling.url.
           *[other] Use { $target } in the application and in signaling.url.
        }
       *[other] Use the path that the server's option "path" names, in the application and in signaling.path.
    }
    .command = curl -i '{ $url }{ $path }?EIO=4&transport=polling'

signaling-wrong-path-fix-signaling = Or pass the path on in the proxy (shown for nginx), with the signaling server's own port in place of 3000.
    .command =
        location { $path } {"{"}
            proxy_pass http://127.0.0.1:3000;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header Host $host;
        {"}"}

signaling-protocol-mismatch = the signaling server speaks another version
    .summary = { $manner ->
            [older] { $url } speaks Socket.IO 2 (Engine.IO 3), which newer clients don't understand.
            [transport] { $url } does not offer { $transport }, the transport that clients begin with.
            [version] { $url } does not support version 4 of Engine.IO.
           *[error] { $words ->
                [none] { $url } refuses the Engine.IO handshake.
               *[other] { $url } refuses the Engine.IO handshake: "{ $words }".
            }
        }
    .impact = No call can be set up: clients and the signaling server don't understand each other.
    .meaning = The server and clients of Socket.IO 3 and 4 share no protocol: the server runs Socket.IO 2, refuses the version, or does not offer the transport that clients begin with.
    .proof = The server answers the handshake with a session of Engine.IO 3, or with Engine.IO's error 5 (version), 0 (transport), or 1 to 3 (a request that it can't use).
    .look-alikes = signaling-websocket-blocked: there the server offers WebSocket, but something in front of it blocks the upgrade.
    .remedy = Run the same major version of Socket.IO on both sides, and let clients use a transport that the server offers.

signaling-protocol-mismatch-fix-signaling = { $manner ->
        [older] Update the server to Socket.IO 4; with allowEIO3 it still accepts old clients.
        [transport] Let the server offer both transports.
        [version] Run the same major version of Socket.IO on the server as in the clients.
       *[error] Compare the request with what arrives at the server: a proxy may change it.
    }
    .command = { $manner ->
            [older] npm install socket.io@4
            [transport] new Server(http, {"{"} transports: ["polling", "websocket"] {"}"})
            [version] npm ls socket.io engine.io
           *[error] DEBUG=engine* node server.js
        }

signaling-protocol-mismatch-fix-application-2 = { $manner ->
        [transport] { $other ->
            [none] Or let the clients use the transport that the server offers.
           *[other] Or let the clients use { $other } only.
        }
       *[other] {""}
    }
    .command = { $other ->
            [none] {""}
           *[other] io(url, {"{"} transports: ["{ $other }"] {"}"})
        }

signaling-websocket-blocked = WebSocket does not reach the signaling server
    .summary = { $manner ->
            [denied] { $url } has WebSocket switched off; polling works.
            [missing] The WebSocket upgrade reaches { $url } without its headers; polling works.
            [stalls] { $url } accepts WebSocket, but then sends nothing; polling works.
            [unusable] { $url } answers the WebSocket upgrade with something else; polling works.
            [closed] { $url } closes the connection on a WebSocket upgrade; polling works.
            [silent] { $url } never answers the WebSocket upgrade; polling works.
           *[refused] { $status ->
                [none] { $url } refuses the WebSocket upgrade; polling works.
               *[other] { $url } refuses the WebSocket upgrade (status { $status }); polling works.
            }
        }
    .impact = { $level ->
            [fail] No call can be set up: the clients use WebSocket only, and never get a connection.
           *[warn] Clients stay on polling: each event needs its own request, so calls connect later. Clients that use WebSocket only can't call.
        }
    .meaning = The signaling server answers polling, but not WebSocket. Usually a proxy in front of it drops the headers of the upgrade, or a firewall blocks upgrades.
    .proof = A session opens by polling, and the WebSocket upgrade at the same address is refused, altered or not answered.
    .look-alikes = signaling-not-sticky: there upgrades fail by chance, because some reach a server that does not know the session.
    .remedy = Pass the Upgrade and Connection headers on in the proxy, over HTTP/1.1.

signaling-websocket-blocked-fix-signaling = { $manner ->
        [denied] Let the signaling server offer WebSocket as well.
       *[other] Let the proxy pass the upgrade on (shown for nginx, inside its location).
    }
    .command = { $manner ->
            [denied] new Server(http, {"{"} transports: ["polling", "websocket"] {"}"})
           *[other]
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection "upgrade";
        }

signaling-websocket-blocked-fix-network-2 = { $manner ->
        [denied] {""}
       *[other] Or, if it works from other networks, let this network's proxy or firewall allow WebSocket.
    }

signaling-not-sticky = the signaling server's sessions are not sticky
    .summary = { $url } does not recognize its own session in { $count } of { $sent } requests (sessions are not sticky).
    .impact = Clients that begin with polling lose their connection again and again, so calls fail by chance.
    .meaning = Several signaling servers share one address. The load balancer sends requests of one session to different servers, and only one of them knows it.
    .proof = A session opens, and further requests of it over new connections are answered with "Session ID unknown".
    .look-alikes = A server that restarts forgets its sessions too, but only once: run callcheck again.
    .remedy = Make sessions sticky in the load balancer, by address or cookie, or let clients use WebSocket only.

signaling-not-sticky-fix-signaling = Make sessions sticky in the load balancer (shown for nginx): add ip_hash to the upstream.
    .command =
        upstream signaling {"{"}
            ip_hash;
            server 10.0.0.1:3000;
            server 10.0.0.2:3000;
        {"}"}

signaling-not-sticky-fix-application-2 = Or let the clients use WebSocket only: it needs no sticky sessions.
    .command = io(url, {"{"} transports: ["websocket"] {"}"})

signaling-cors = the signaling server does not allow the application's origin
    .summary = { $other ->
            [none] { $url } does not let pages of { $origin } read its answers (CORS).
           *[other] { $url } allows only pages of { $other }, not those of { $origin } (CORS).
        }
    .impact = Browsers block polling from that page, so clients that begin with polling can't call. Native apps and clients that use WebSocket only are not affected.
    .meaning = The application's page has a different origin than the signaling server, and the server's answers lack the header that lets this page read them.
    .proof = The answer to a handshake with this Origin has no Access-Control-Allow-Origin that matches it.
    .look-alikes = A proxy that removes the header looks the same: compare with an answer taken directly from the server.
    .remedy = Name the origin in the server's "cors" option.

signaling-cors-fix-signaling = Allow the page's origin on the signaling server, without a slash at its end.
    .command = new Server(http, {"{"} cors: {"{"} origin: "{ $origin }", credentials: true {"}"} {"}"})

signaling-namespace-refused = the signaling server has no such namespace
    .summary = { $url } has no Socket.IO namespace { $namespace }.
    .impact = No call can be set up: the connection is refused before any event.
    .meaning = The signaling server answers, but does not have the namespace that clients ask for. In Socket.IO clients, what follows the host in the URL is the namespace, not an HTTP path.
    .proof = The server refuses the connection with connect_error and the message "Invalid namespace".
    .look-alikes = signaling-auth-refused: there the namespace exists and the login is refused. signaling-wrong-path: there the HTTP path is wrong.
    .remedy = Use a namespace that the server has, or add this one to it.

signaling-namespace-refused-fix-application = Use a namespace that the server has, in the application and in signaling.namespace; every server has "/".
    .command = namespace = "/"

signaling-namespace-refused-fix-signaling = Or add the namespace on the server.
    .command = io.of("{ $namespace }").on("connection", onConnection)

signaling-auth-refused = the signaling server refuses the login
    .summary = { $manner ->
            [refused] The signaling server refuses the login of { $role ->
                    [both] both accounts
                   *[other] the { $role }
                }{ $words ->
                    [none] {""}
                   *[other] : "{ $words }"
                }.
            [forbidden] The signaling server { $url } forbids the connection{ $words ->
                    [none] {""}
                   *[other] : "{ $words }"
                }.
           *[status] The signaling server { $url }, or a proxy in front of it, refuses the connection{ $status ->
                    [none] {""}
                   *[other] {" "}(status { $status })
                }.
        }
    .impact = This user can't call: the connection to the signaling server is refused.
    .meaning = The signaling server answers but does not let the user in: the token is wrong, has expired or is for a different environment, or it is sent in a different field than the server reads.
    .proof = The server refuses the connection with connect_error and its own message, or the handshake with 401, 403 or Engine.IO's error 4.
    .look-alikes = signaling-namespace-refused: there the server says that it has no such namespace. signaling-wrong-path: some proxies answer 403 to an unknown path.
    .remedy = Give a valid token in the field that the server reads, and check the server's rules on origins and addresses.

signaling-auth-refused-fix-application = { $manner ->
        [refused] { $login ->
            [none] Give this account a token: callcheck had nothing to log in with.
           *[other] Get a new token for this account, and send it in the field of "auth" that the server reads.
        }
       *[other] Check the tokens in headers and query of the request.
    }
    .command = { $role ->
            [caller] caller.auth = {"{"} token_env = "CALLER_TOKEN" {"}"}
            [callee] callee.auth = {"{"} token_env = "CALLEE_TOKEN" {"}"}
            [both]
                caller.auth = {"{"} token_env = "CALLER_TOKEN" {"}"}
                callee.auth = {"{"} token_env = "CALLEE_TOKEN" {"}"}
           *[other] {""}
        }

signaling-auth-refused-fix-signaling = { $manner ->
        [refused] {""}
       *[other] Check the server's allowRequest, and the proxy's rules on addresses and origins.
    }

signaling-login-silent = the signaling server does not answer a login
    .summary = { $manner ->
            [closed] The signaling server closes the connection of { $role ->
                    [both] both accounts
                   *[other] the { $role }
                } without answering the login.
            [lost] The connection of { $role ->
                    [both] both accounts
                   *[other] the { $role }
                } is lost before the signaling server answers the login.
           *[silent] The signaling server does not answer the login of { $role ->
                    [both] both accounts
                   *[other] the { $role }
                }.
        }
    .impact = No call can be set up: users are never let in, and see no error.
    .meaning = The signaling server opens a session, but then neither accepts nor refuses the login to its namespace.
    .proof = After the session is open, the request to join the namespace gets no answer, or the connection is closed without a word.
    .look-alikes = signaling-auth-refused: there the server refuses with a message.
    .remedy = Check the server's middleware: if it never calls next(), clients wait forever.

signaling-login-silent-fix-signaling = { $manner ->
        [silent] Let every path of the server's middleware call next(), with an error to refuse.
       *[other] Look in the server's log for this login, and refuse it with next(new Error(…)) instead of closing the connection.
    }
    .command = io.use((socket, next) => isValid(socket) ? next() : next(new Error("invalid token")))

signaling-call-refused = the signaling server refuses the call
    .summary = { $role ->
            [none] The signaling server refuses the call: "{ $words }".
           *[other] The signaling server refuses the call and tells the { $role }: "{ $words }".
        }
    .impact = The call ends before the callee hears of it.
    .meaning = The signaling server accepts the connection, but refuses the call with an error of its own: the chat is not between two people, the account is not a member of it, or somebody is busy.
    .proof = The server answers with its error event, an exception or a negative acknowledgement, in its own words.
    .look-alikes = receiver-offline: some servers refuse with these words, others accept the call and forward it to nobody. signaling-auth-refused: there the connection itself is refused.
    .remedy = Follow the server's words: use a one-to-one chat, two accounts that are its members, and both free.

signaling-call-refused-fix-application = Call in a one-to-one chat that has both accounts as members, while neither is in another call.

signaling-call-refused-fix-signaling = Or find the check on the server that refuses with these words.

signaling-drops = the connection to the signaling server drops during the call
    .summary = { $role ->
            [both] Both sides lose their connection to the signaling server during the call.
           *[other] The { $role } loses its connection to the signaling server during the call.
        }
    .impact = { $manner ->
            [carried] This call went on, but candidates and the end of the call can get lost; many servers end the call.
           *[other] The call fails: candidates, the answer or the end of the call get lost.
        }
    .meaning = A connection to the signaling server was closed or lost while the call was on.
    .proof = The socket was lost between the start and the end of the call, and callcheck did not close it.
    .look-alikes = One account that is connected twice: many servers drop the older connection.
    .remedy = Raise the proxy's timeouts above Engine.IO's ping interval (25 s), look in the server's log, and use two accounts.

signaling-drops-fix-signaling = Look in the server's log for the lost connection, and raise the proxy's timeouts (shown for nginx).
    .command =
        proxy_read_timeout 3600s;
        proxy_send_timeout 3600s;

signaling-drops-fix-application-2 = Use a separate account for each side: many servers drop the older connection of an account.

receiver-offline = the offer reaches nobody
    .summary = { $manner ->
            [refused] The signaling server says that the callee is not there: "{ $words }".
            [unanswered] The callee does not answer: the offer may not reach it.
           *[not-delivered] The offer does not reach the callee, although the callee is connected.
        }
    .impact = The callee's phone never rings; the caller waits for an answer that can't arrive.
    .meaning = The signaling server accepts the call but does not deliver the offer to the callee: it does not see the callee as connected, or looks for it in a different room, node or namespace.
    .proof = The caller's offer was sent and not refused, and no offer arrives at the callee's connected socket.
    .look-alikes = answer-not-forwarded: there the callee has answered, which only the callee's side can see. signaling-call-refused: there the server refuses the call in its own words.
    .remedy = Connect the callee to the same server with the account that the chat names. Several nodes must share their rooms through an adapter.

receiver-offline-fix-application = { $manner ->
        [unanswered] Run the callee's side with callcheck too: it shows whether the offer arrives.
       *[other] Check that the callee's account is a member of the chat and connects to the same namespace.
    }
    .command = { $manner ->
            [unanswered] callcheck call --role callee
           *[other] {""}
        }

receiver-offline-fix-signaling = Check to which room or socket the server sends the offer. Several nodes need a shared adapter, such as Redis.

offer-altered = an offer or answer is altered on its way
    .summary = { $manner ->
            [answer] { $reason ->
                [unusable] The answer that arrives can't be used: { $words }.
               *[altered] The answer is altered on its way: { $words }.
            }
            [both] Offer and answer are altered on their way ({ $words }).
           *[offer] { $reason ->
                [unusable] The offer that arrives can't be used: { $words }.
               *[altered] The offer is altered on its way: { $words }.
            }
        }
    .impact = { $level ->
            [warn] This call worked all the same; one in which a fingerprint or password is changed fails.
           *[fail] The other side rejects the description, or its fingerprint or password no longer matches, and the call fails.
        }
    .meaning = The session description (SDP) that one side received differs from the one that the other side sent: something on the way cuts, escapes or rewrites it. Line endings don't count.
    .proof = The description received on one socket differs from the one sent on the other. From one side only: what arrives can't be read as a description.
    .look-alikes = dtls-failed: an altered fingerprint ends there too; then this is the cause.
    .remedy = Forward descriptions unchanged. Check length limits, HTML escaping and database columns on the way.

offer-altered-fix-signaling = Forward offers and answers byte for byte: no escaping, no trimming, no length limit below 1 MB.

answer-not-forwarded = the answer does not reach the caller
    .summary = { $manner ->
            [not-delivered] The callee sends its answer, but the answer does not reach the caller.
            [unheard] The callee's answer may not reach the caller: no check of the caller arrives.
           *[unanswered] No answer reaches the caller: the signaling server may not forward it.
        }
    .impact = The caller has no remote description, so it stays in the state "new" until the call is given up.
    .meaning = The callee has sent its answer, but the signaling server does not pass it on to the caller: it has forgotten who called, or sends the answer to somebody else.
    .proof = The answer was sent on the callee's socket, and nothing arrived on the caller's, which stayed connected.
    .look-alikes = receiver-offline: there the offer never arrived. no-answer-timeout: there the server had ended the call before.
    .remedy = Let the server remember the caller's socket with each call, and send the answer to it.

answer-not-forwarded-fix-signaling = Store the caller's socket with the call, and forward the answer to it.

answer-not-forwarded-fix-application-2 = { $manner ->
        [unheard] Run the caller's side with callcheck too: it shows whether the answer arrives.
        [unanswered] Run the callee's side with callcheck too: it shows whether the offer arrives and is answered.
       *[other] {""}
    }
    .command = { $manner ->
            [unheard] callcheck call --role caller
            [unanswered] callcheck call --role callee
           *[other] {""}
        }

no-answer-timeout = the signaling server gives up the call too early
    .summary = { $manner ->
            [crossed] The signaling server ends the call after { $seconds } s, while the answer is under way.
           *[ended] { $seconds ->
                [none] The signaling server ends the call before an answer can arrive.
               *[other] The signaling server ends the call after { $seconds } s, before an answer can arrive.
            }
        }
    .impact = Calls end while the callee is about to answer.
    .meaning = The signaling server's no-answer timer ended the call before the answer arrived.
    .proof = The server's end event arrives before the answer, and callcheck did not end the call.
    .look-alikes = answer-not-forwarded: there no end event arrives, or it arrives after an answer that was sent in time. receiver-offline: there the callee never got the offer, so the timer is right.
    .remedy = Give the callee as long as people need to answer, 30 s or more, and stop the timer when the answer arrives.

no-answer-timeout-fix-signaling = Raise the server's no-answer timer to 30 s or more, and stop it when the answer arrives.

candidates-not-forwarded = candidates don't reach the other side
    .summary = { $manner ->
            [both] The signaling server loses candidates of both sides.
            [none] No candidate of the { $other-role } arrives, although its description does.
            [unheard] The candidates of the { $role } may not arrive: no check of the { $other-role } arrives.
           *[other] Only { $count } of { $sent } candidates of the { $role } reach the other side.
        }
    .impact = { $level ->
            [degrade] This call connected all the same; calls that need the lost candidates fail.
           *[fail] ICE lacks the candidates that would have worked: the call stays in "checking" and fails.
        }
    .meaning = One side has sent candidates, and the other side got fewer: the signaling server drops them, sends them to the wrong side, or forgets those that arrive before the answer.
    .proof = The number of candidates sent on one socket differs from the number received on the other.
    .look-alikes = ice-no-candidates: there nothing was gathered, so nothing was sent. From one side only, the two look the same.
    .remedy = Forward every candidate to the other member of the call, from the moment the call begins.

candidates-not-forwarded-fix-signaling = Forward every candidate event to the other side, in both directions, and keep those that arrive before the answer.

candidates-not-forwarded-fix-application-2 = { $manner ->
        [none] Run the { $other-role }'s side with callcheck too: it shows whether candidates are sent.
        [unheard] Run the { $other-role }'s side with callcheck too: it shows whether candidates arrive.
       *[other] {""}
    }
    .command = { $manner ->
            [none] callcheck call --role { $other-role }
            [unheard] callcheck call --role { $other-role }
           *[other] {""}
        }

call-ended-by-gateway = the signaling server ends the call
    .summary = The signaling server ends the answered call after { $seconds } s{ $words ->
            [none] .
           *[other] : "{ $words }".
        }
    .impact = Calls are cut off although both sides want to go on.
    .meaning = The signaling server ends a call that was answered, before either side hangs up.
    .proof = The event that ends the call arrives in an answered call before its time, and callcheck did not end the call.
    .look-alikes = signaling-drops: there the connection to the server is lost. no-answer-timeout: there the call was not answered yet.
    .remedy = Find the timer or the check on the server that ends calls.

call-ended-by-gateway-fix-signaling = Find what sends the end event { $seconds } s after the start of the call: often a no-answer timer that the answer does not stop, or a limit on the length of calls.

signaling-slow = the signaling server is slow
    .summary = { $manner ->
            [late] { $seconds ->
                [none] An event has not arrived by the end of the call: the signaling server may be too slow.
               *[other] An event has not arrived by the end of the call, and others take up to { $seconds } s.
            }
           *[slow] The signaling server takes up to { $seconds } s to forward an event.
        }
    .impact = { $manner ->
            [late] The call fails if one side gives up before the event arrives.
           *[slow] Every call connects late, by several times that: offer, answer and candidates are each delayed.
        }
    .meaning = Events take more than a second from one side to the other.
    .proof = The time between sending an event on one socket and its arrival on the other, both measured with this host's clock.
    .look-alikes = A slow network between callcheck and the server: then the connection's round trip is long too.
    .remedy = Check what the server does before it forwards an event: database queries, push notifications, a busy event loop.

signaling-slow-fix-signaling = Forward events first and write to the database afterwards; measure the delay of the event loop.
