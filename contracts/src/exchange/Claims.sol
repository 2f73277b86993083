// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {Ledger} from "./Ledger.sol";

/// @title What the vault owes to winners it could not pay.
/// @notice First booked, first funded. All claims ever booked lie one behind the other on a line
/// [0, booked); whatever the vault receives covers the line from its start, [0, funded), before
/// anything reaches the reserves. So while a claim is unfunded the reserves are empty. A trader
/// moves the funded part of its claims into its free balance by `claim()`.
abstract contract Claims is Ledger {
    /// @dev What is unpaid of one claim: [start, end) on the line.
    struct Ticket {
        uint256 start;
        uint256 end;
    }

    /// @notice How many tickets one `claim()` works through; call again for more.
    uint256 public constant TICKETS_PER_CLAIM = 50;

    uint256 internal _claimsBooked;
    uint256 internal _claimsFunded;
    uint256 internal _claimsPaid;
    mapping(address trader => Ticket[]) private _tickets;
    mapping(address trader => uint256) private _firstTicket;
    mapping(address trader => uint256) private _claims;

    /// @notice Owed to the trader by the vault and not paid yet, funded or not.
    function claims(address trader) external view returns (uint256) {
        return _claims[trader];
    }

    /// @notice Pays the funded part of the caller's claims into its free balance.
    function claim() external returns (uint256 paid) {
        paid = _redeem(msg.sender);
        if (paid == 0) return 0;
        _claims[msg.sender] -= paid;
        _claimsPaid += paid;
        _creditFree(msg.sender, paid);
        emit ClaimPaid(msg.sender, paid);
    }

    function _bookClaim(address trader, uint256 amount) internal {
        if (amount == 0) return;
        uint256 start = _claimsBooked;
        _claimsBooked = start + amount;
        _claims[trader] += amount;
        _tickets[trader].push(Ticket(start, start + amount));
        emit ClaimBooked(trader, amount);
    }

    /// @notice Covers unfunded claims with `amount` and returns what is left of it.
    function _fundClaims(uint256 amount) internal returns (uint256 rest) {
        uint256 unfunded = _claimsBooked - _claimsFunded;
        if (unfunded == 0) return amount;
        uint256 covered = amount < unfunded ? amount : unfunded;
        _claimsFunded += covered;
        return amount - covered;
    }

    /// @dev Takes the funded part off the trader's tickets, oldest first.
    function _redeem(address trader) private returns (uint256 paid) {
        Ticket[] storage tickets = _tickets[trader];
        uint256 first = _firstTicket[trader];
        uint256 last = tickets.length;
        if (last > first + TICKETS_PER_CLAIM) last = first + TICKETS_PER_CLAIM;
        for (; first < last; ++first) {
            Ticket storage ticket = tickets[first];
            if (_claimsFunded < ticket.end) break;
            paid += ticket.end - ticket.start;
            delete tickets[first];
        }
        if (first < last && _claimsFunded > tickets[first].start) {
            paid += _claimsFunded - tickets[first].start;
            tickets[first].start = _claimsFunded;
        }
        _firstTicket[trader] = first;
    }
}
