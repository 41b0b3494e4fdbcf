# What would have mattered and was not tested. The value says what; .why says why, as a clause that can follow "because".
#
# untested-under-way: $reason (interrupted, deadline)
# untested-address: $address, $reason (ipv4: left out by -6; ipv6: left out by -4; family; no-route), $family (with the reason family)
# untested-service: $service, $reason (silent, refused, rejected, denied, foreign, mute, ended)
# untested-allocation: $service
# untested-proxy: $proxy, $reason (protocol, silent)
# untested-login
# untested-relay
# untested-data-path: $reason (interrupted, deadline, family, open, vantage, udp)
# untested-relay-ports
# untested-blockers: $reason (off: no controls were to be asked; none: none could be)
# untested-rest-of-ports: $proto, $range, $reason (refused, silent, repeats, sockets, interrupted, deadline), $code (with the reason refused)
# untested-asked-ports: $range (asked), $other (given out)
# untested-other-ports: $range (asked), $other (given out)
# untested-every-port: $reason (interrupted, deadline, denied, no-way)
# untested-call-path: $path, $reason (failed, none)
# untested-call-end: $path
# untested-responder: $address (or a name), $reason (not-found, no-address, unavailable, clock, ended, token, closed, mute, refused, silent), $skew and $clock (ahead, behind; both with the reason clock)
# untested-responder-ports: $proto, $ports ("ports 50000-50009" or "12 ports"), $address, $reason (taken, other-range, moved, interrupted, deadline, ended, udp-only, nothing, other)
# unexplained: $place, $what, $manner

untested-under-way = what was still under way
    .why = { $reason ->
        [interrupted] the run was interrupted
       *[deadline] the run reached its time limit (--timeout)
    }

untested-address = the address { $address }
    .why = { $reason ->
        [ipv4] -6 leaves it out
        [ipv6] -4 leaves it out
        [family] no host answers over { $family } from here
       *[no-route] this host has no route to it
    }

untested-service = TURN over { $service }
    .why = { $reason ->
        [silent] nothing answers there
        [refused] nothing listens there
        [rejected] a router or firewall rejects it
        [denied] this host's own firewall forbids it
        [foreign] something other than a TURN server answers there
        [mute] no usable answer arrives
       *[ended] the run ended before
    }

untested-allocation = an allocation over { $service }
    .why = the certificate is not trusted, so no credentials were sent

untested-proxy = TURN through the proxy { $proxy }
    .why = { $reason ->
        [protocol] callcheck speaks to proxies over HTTP only, and the environment names another protocol
       *[silent] the proxy does not answer
    }

untested-login = the relay: allocation, permissions, ports, external-ip and data path
    .why = no credentials were given (--user with a password, or --secret-file)

untested-login-fix-client = Run it again with a login.
    .command = callcheck { $command } { $listed } --user NAME --password-file FILE

untested-login-fix-server = coturn keeps its logins in turnserver.conf, "user" with name and password or "static-auth-secret" for --secret-file, or in a database, which turnadmin lists.
    .command = grep -nE '^(user|static-auth-secret|userdb)=' /etc/turnserver.conf; turnadmin -l

untested-relay = the relay's ports, external-ip and data path
    .why = no allocation was granted

untested-data-path = the relay's data path from outside
    .why = { $reason ->
        [interrupted] the run was interrupted
        [deadline] the run reached its time limit (--timeout)
        [family] this host can't send to the relay's address, which is of the other IP family than the server's
        [open] nothing came back through it, and either this network or the server may block it
        [vantage] this host is inside the server's network
       *[udp] this network lets no UDP out to test it with
    }

untested-relay-ports = whether the relay's ports are open
    .why = the relayed address can't be reached until external-ip is right

untested-blockers = who blocks, this network or the server's side
    .why = { $reason ->
        [off] controls were switched off, or there are none
       *[none] no unrelated STUN server could be asked
    }

untested-rest-of-ports = the rest of the { $proto } ports { $range }
    .why = { $reason ->
        [refused] { $code ->
            [none] the server refused further allocations
           *[other] the server refused further allocations ({ $code })
        }
        [silent] the server stopped answering
        [repeats] the server draws its ports by chance, and few new ones came in the end
        [sockets] this host can't open more sockets (ulimit -n raises the limit)
        [interrupted] the run was interrupted
       *[deadline] the run reached its time limit (--timeout)
    }

untested-asked-ports = whether the relay's ports { $range } are open
    .why = the server gave out none of them, only ports from { $other }

untested-other-ports = the relay's other ports
    .why = only { $range } was asked for (--range), and the server gave out ports from { $other }

untested-every-port = every port of the relay
    .why = { $reason ->
        [interrupted] the run was interrupted
        [deadline] the run reached its time limit (--timeout)
        [denied] the server refuses permissions for this network's address (403)
       *[no-way] nothing could be sent to the relay at the server's own address
    }

untested-call-path = the call on the path { $path }
    .why = { $reason ->
        [failed] the signaling failed in the attempt before
       *[none] no call could be started
    }

untested-call-end = whether the call finds a path ({ $path })
    .why = the call was ended from elsewhere before it could connect

untested-responder = the ports of { $address }, by its responder
    .why = { $reason ->
        [not-found] this name does not exist in DNS
        [no-address] this name has no address in DNS
        [unavailable] no DNS resolver answers
        [clock] the responder's clock is about { $skew } { $clock ->
            [ahead] ahead of
           *[behind] behind
        } this host's, and it answers nothing older than two minutes: correct the wrong clock
        [ended] the run ended before
        [token] the answer does not prove the token: the responder has another token, the answer was recorded before, or it is no responder
        [closed] the connection is closed without an answer: the responder has another token, or something else listens there
        [mute] something accepts the connection but does not answer: it is no responder
        [refused] nothing listens there: start callcheck responder on that host, or give the port that it listens on
       *[silent] nothing answers there: the responder is not running, a firewall closes its port, or it has another token
    }

untested-responder-ports = { $proto } { $ports } of { $address }
    .why = { $reason ->
        [taken] other programs on that host use them
        [other-range] the responder serves a different range (--range)
        [moved] data sent there arrives at a different port of the host: a NAT in front of it changes the ports
        [interrupted] the run was interrupted
        [deadline] the run reached its time limit (--timeout)
        [ended] the responder stopped answering: it has ended (--for), or a NAT on the way is full; then sweep parts of the range (--range) some minutes apart
        [udp-only] the responder serves UDP only: it says itself how many open sockets it lacks
        [nothing] nothing at all comes back over { $proto }, not even from the responder's own port: open that port too, or check whether this network lets { $proto } out
       *[other] nothing could be sent there, or something else answers
    }

unexplained = { $place }: { $what } failed ({ $manner }), and no known cause explains it
    .try = run callcheck again, and from another network; if it fails again, save the report with --report and send it in
