# The first sentence of a report where it is not the summary of a finding.
#
# headline-turn-ok: $host (one or several), $more (how many more there are), $transports (those over which data from outside arrived)
# headline-turn-permits-ok: $host (one or several), $more, $peer (one or several)
# headline-stun-ok: $host, $consequence (what the NAT means for calls, a sentence)
# headline-stun-list-ok: $host
# headline-external-ip-ok: $host
# headline-ports-ok: $host, $count (ports tried), $share (share that is open, where ports were sampled), $range (the server's range)
# headline-responder-ok: $ports (the ports at which something arrives, as prepared text)
# headline-call-ok: $paths (each path with its time), $relayed (yes or no: data from outside arrived through the relay)
# headline-ok-but: $sentence (one of these sentences), $reason (the summary of a warning that matters)
# headline-inconclusive-finding: $reason (the summary of a finding), $what and $why (the last of what was not tested)
# headline-inconclusive: $host, $what and $why (the last of what was not tested)
# headline-no-login: $host
# headline-cut-short: $host, $manner (deadline or interrupted)
# headline-on-server, headline-behind-server: $host
# headline-unexplained: $place, $what, $manner (the arguments of "unexplained")

headline-turn-ok = { $transports ->
        [none] Calls will work through { $host }{ $more ->
                [none] {""}
               *[other] {" "}and { $more } more
            }.
       *[other] Calls will work through { $host }{ $more ->
                [none] {""}
               *[other] {" "}and { $more } more
            }: relayed data arrives from outside and goes out over { $transports }.
    }

headline-turn-permits-ok = { $host }{ $more ->
        [none] {""}
       *[other] {" "}and { $more } more
    } grants a relay and lets it send to { $peer }.

headline-stun-ok = { $consequence ->
        [none] { $host ->
            [none] The server answers.
           *[other] { $host } answers.
        }
       *[other] { $host ->
            [none] The server answers. { $consequence }
           *[other] { $host } answers. { $consequence }
        }
    }

headline-stun-list-ok = { $host } answers, but no relay was tested: calls need one wherever no direct path exists.

headline-external-ip-ok = { $host ->
        [none] The TURN server advertises the right relay address: data sent to it arrives.
       *[other] { $host } advertises the right relay address: data sent to it arrives.
    }

headline-ports-ok = { $share ->
        [none] { $count ->
            [1] The relay's ports are open: the only one tried{ $range ->
                    [none] {""}
                   *[other] {" "}in { $range }
                } lets data in.
           *[other] The relay's ports are open: all { $count } tried{ $range ->
                    [none] {""}
                   *[other] {" "}in { $range }
                } let data in.
        }
       *[other] { $count ->
            [1] The relay's ports are open: the only one sampled lets data in; with 95 % confidence { $share } is open.
           *[other] The relay's ports are open: all { $count } sampled let data in; with 95 % confidence { $share }{ $range ->
                    [none] {""}
                   *[other] {" "}of { $range }
                } is open.
        }
    }

headline-responder-ok = Data from outside arrives at { $ports }.

headline-call-ok = { $relayed ->
        [yes] The call connects with media both ways ({ $paths }); the relay takes data from outside.
       *[no] The call connects with media both ways ({ $paths }).
    }

headline-ok-but = { $sentence } But: { $reason }

headline-inconclusive-finding = { $what ->
        [none] { $reason } Whether calls work can't be told from here.
       *[other] { $reason } Whether calls work can't be told from here. Not tested: { $what }, because { $why }.
    }

headline-inconclusive = { $what ->
        [none] It can't be told from here whether calls work.
       *[other] It can't be told from here whether calls work. Not tested: { $what }, because { $why }.
    }

headline-no-login = { $host } answers, but its relay can't be tested without a login: give --user or --secret-file.

headline-cut-short = { $manner ->
        [interrupted] It can't be told whether calls work: the run was interrupted.
       *[deadline] It can't be told whether calls work: the run reached its time limit (--timeout).
    }

headline-network-died = This network fell silent during the run: nothing answers any more, not even what had answered before.

headline-on-server = You ask on the TURN server's own host { $host }: only another network shows whether its ports are reachable.

headline-behind-server = You ask from behind the server's own public address { $host }: only another network shows whether calls work.

headline-unexplained = Something failed that no known cause explains: { $what } at { $place } ({ $manner }).
