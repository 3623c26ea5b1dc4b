/* SPDX-License-Identifier: Apache-2.0 */
/* ran_help.h - what redoubt ran --help says. */
#pragma once

#define RAN_HELP \
    "gNBs and phones:\n" \
    "  --amf ADDR[:PORT]     the AMF's N2 address [127.0.0.5:38412]\n" \
    "  --n3 ADDR             where the gNBs' tunnels end [127.0.0.1]\n" \
    "  --gnbs N              gNBs, each with one cell [1]\n" \
    "  --gnb-id N            of the first [1]\n" \
    "  --ues N               phones [1]\n" \
    "  --plmn MCC-MNC --tac N --slice SST[-SD]   [001-01, 1, 1]\n" \
    "  --imsi DIGITS         of the first phone; the others follow [001010000000001]\n" \
    "  --key HEX --opc HEX   of every phone [the public test values]\n" \
    "  --csv FILE            or lines of imsi,key,opc: what redoubt subscriber import takes\n" \
    "  --hn-key HEX --hn-id N --hn-profile A|B   home network public key: identities are concealed [none, 1, A]\n" \
    "  --dnn NAME --type IPv4|IPv6|IPv4v6        of the session [internet, IPv4]\n" \
    "  --no-session, --no-register               stop before that\n" \
    "  --tun N               the first N phones have a TUN interface [0]; the others a small IP host of their own\n" \
    "  --netns PREFIX        phone n's interface is in the namespace PREFIXn, which is there already\n" \
    "  --tun-name NAME       of the interface; a number is appended where phones share a namespace [ue]\n" \
    "  --idle SECONDS        phones without traffic are released after that [0: never]\n" \
    "  --sctp auto|kernel|userspace\n" \
    "Load: redoubt ran load [the options above] and\n" \
    "  --ues N               so many phones; each takes some 2.6 kB here with its session (100,000: 260 MB), and the\n" \
    "                        result says what it really was (octets_per_phone)\n" \
    "  --rate R              procedures begun a second; without it as fast as --parallel P at once go [64]\n" \
    "  --waves LIST          each phone does it once, then comes the next wave [attach]: attach (registration and\n" \
    "                        session), idle (the gNB lets it go), service (it comes back), ping, deregister;\n" \
    "                        powercut: all gNBs and phones go dark at once, gNBs are back after 1 s\n" \
    "  --mix LIST            then phones drawn at random do things, by weight: attach=1,service=40,idle=40,ping=18,\n" \
    "                        deregister=1. What no phone is fit for is not drawn. With attach in it there is no wave\n" \
    "                        before unless --waves says so\n" \
    "  --duration TIME       of the mix: 90s, 10m, 2h\n" \
    "  --histogram FILE      latencies of each procedure as HdrHistogram prints its percentiles\n" \
    "  --persist             a phone that is refused goes on as its timers allow until it is attached\n" \
    "  --ping ADDR           where to; without 'load', each phone pings this once its session is there\n" \
    "  --wait SECONDS        after which a procedure counts as failed, and no AMF as none [30]\n" \
    "  --stay                the phones stay when it is over, until the process is told to end\n" \
    "  A line a second says how it stands (on a terminal one line, rewritten; --quiet: none). At the end there is one\n" \
    "  line of JSON: counts, times of each procedure in us (p50, p90, p99, p99.9, max), each wave, causes of failures\n" \
    "  by name. Exit status 1 if anything failed.\n" \
    "    redoubt ran load --ues 100000 --rate 2000 --gnbs 10\n" \
    "    redoubt ran load --ues 100000 --rate 2000 --mix service=45,idle=45,ping=10 --ping 10.45.0.1 --duration 10m\n" \
    "Scenario:\n" \
    "  --scenario FILE       the steps of a scenario (docs/scenarios.md) with its gNBs and phones; what cannot be seen in this\n" \
    "                        core is passed over; --debug prints each step, message and event\n" \
    "Control:\n" \
    "  --control PATH        socket for: status [N] · register|deregister|update|service|idle|lose N · session N [DNN]\n" \
    "                        · release N [ID] · ping N ADDR · result · load WAVES [RATE] · stop; N a phone's\n" \
    "                        number or all [none]. steal ID [SESSION]: what a hostile gNB would try: it answers for the\n" \
    "                        session of the phone with this AMF UE NGAP ID, and wants its packets\n" \
    "  --unsafe-no-sandbox   all rights of the start are kept; otherwise it gives away files, capabilities, other\n" \
    "                        processes and system calls as soon as all is open\n" \
    "  --debug, --quiet      events are lines of JSON on standard output; a line 'ready' comes when gNBs are in service\n"
