// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Arithmetic} from "./Arithmetic.sol";
import {Funding} from "./Funding.sol";
import {TooManyPositions} from "./Errors.sol";
import {Account, Market, OpenParameters, Position} from "./Types.sol";

/// @title The open positions: one a trader and market, listed so that a view can page them.
abstract contract Positions is Funding {
    using SafeCast for int256;
    using SafeCast for uint256;

    uint256 public constant POSITIONS_MAX = 50;

    mapping(bytes16 id => Position) internal _positions;
    bytes16[] internal _openIds;

    /// @notice Our choice, theirs is unpublished. Reused after a close, hence the sequence.
    function positionIdOf(address trader, address market) public pure returns (bytes16) {
        return bytes16(keccak256(abi.encode(trader, market)));
    }

    /// @dev The position must be new: margin already locked, open interest already moved.
    function _addPosition(bytes16 id, OpenParameters calldata params, uint256 size, uint256 entry)
        internal
    {
        Account storage account = _accounts[msg.sender];
        if (account.positions == POSITIONS_MAX) revert TooManyPositions();
        ++account.positions;
        _positions[id] = Position({
            trader: msg.sender,
            netuid: _netuidOf(params.market),
            isLong: params.isLong,
            openedBlock: uint40(block.number),
            sequence: _positions[id].sequence + 1,
            margin: params.margin.toUint96(),
            size: size.toUint96(),
            listIndex: uint64(_openIds.length),
            entryPrice: entry.toUint128(),
            entryIndex: _markets[params.market].index
        });
        _openIds.push(id);
    }

    /// @dev Keeps the first slot, for the sequence; `size` 0 says that there is no position.
    function _removePosition(bytes16 id, Position storage position) internal {
        --_accounts[position.trader].positions;
        uint64 index = position.listIndex;
        bytes16 last = _openIds[_openIds.length - 1];
        if (last != id) {
            _openIds[index] = last;
            _positions[last].listIndex = index;
        }
        _openIds.pop();
        (position.margin, position.size, position.listIndex) = (0, 0, 0);
        (position.entryPrice, position.entryIndex) = (0, 0);
    }

    /// @dev Takes `margin` and `size`, the whole or a part, out of the accounts and the open
    /// interest. The caller settles the released margin.
    function _release(Position storage position, uint256 margin, uint256 size) internal {
        _releaseMargin(position.trader, margin);
        Market storage market = _markets[_marketOf(position.netuid)];
        _moveOpenInterest(market, position.isLong, -int256(size));
    }

    /// @dev pnl and funding owed of `size` of the position, marked at `price` and `index`.
    function _value(Position storage position, uint256 size, uint256 price, int256 index)
        internal
        view
        returns (int256 pnl, int256 fundingOwed)
    {
        bool isLong = position.isLong;
        pnl = Arithmetic.pnl(isLong, size, position.entryPrice, price);
        fundingOwed = Arithmetic.fundingOwed(isLong, size, position.entryIndex, index);
    }
}
