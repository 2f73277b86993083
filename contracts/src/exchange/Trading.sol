// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {Arithmetic} from "./Arithmetic.sol";
import {
    BelowNotionalMin,
    DepositCapExceeded,
    LeverageOutOfRange,
    NoPosition,
    NotTheTrader,
    NotYetAvailable,
    PositionExists,
    SameBlock,
    SizeTooLarge,
    SlippageExceeded,
    WorthLessThanNothing,
    WouldBeLiquidatable
} from "./Errors.sol";
import {Positions} from "./Positions.sol";
import {
    Account,
    LimitOrderParameters,
    Market,
    MarketParameters,
    OpenParameters,
    Position
} from "./Types.sol";

/// @title The traders' surface: exactly the published functions.
abstract contract Trading is Positions {
    /// @dev What a close comes to.
    struct Closing {
        uint256 margin;
        uint256 price;
        int256 pnl;
        int256 fundingOwed;
        uint256 fee;
        uint256 paid;
        uint256 claimed;
    }

    function deposit(uint256 amount) external payable wholeGwei(amount) paysExactly(amount) {
        Account storage account = _accounts[msg.sender];
        uint256 own = uint256(account.free) + account.margin + amount;
        if (own > _limits.depositCapAccount) revert DepositCapExceeded(_limits.depositCapAccount);
        uint256 all = uint256(_totals.free) + _totals.margins + amount;
        if (all > _limits.depositCapGlobal) revert DepositCapExceeded(_limits.depositCapGlobal);
        _creditFree(msg.sender, amount);
        emit Deposited(msg.sender, amount);
    }

    /// @notice Takes from the free balance alone. A position's margin and its unrealised value
    /// cannot be withdrawn, so a suspended market has nothing to refuse here.
    function withdraw(uint256 amount) external nonReentrant wholeGwei(amount) {
        _debitFree(msg.sender, amount);
        emit Withdrawn(msg.sender, amount);
        _send(amount);
    }

    /// @notice Opens at the fill price. The open fee comes from the free balance on top of the
    /// margin; slippage is bounded against the feed price.
    function openMarketPosition(OpenParameters calldata params)
        external
        returns (bytes16 positionId)
    {
        Market storage market = _requireListed(params.market);
        _requireOpeningAllowed();
        uint256 size = _sizeOf(params, market.parameters);
        positionId = positionIdOf(msg.sender, params.market);
        if (_positions[positionId].size != 0) revert PositionExists();
        _accrue(params.market, market);
        uint256 feedPrice = _tradingPrice(params.market, market);
        uint256 fill = _fillPrice(params.market, params.isLong, feedPrice);
        _requireSlippage(params, fill, feedPrice);

        uint256 fee = Arithmetic.feeOf(size, market.parameters.openFeeBps);
        _debitFree(msg.sender, params.margin + fee);
        _lockMargin(msg.sender, params.margin);
        _receiveIntoVault(fee);
        uint256 exposure = _exposureOf(market);
        _moveOpenInterest(market, params.isLong, int256(size));
        _requireWithinLimits(params.market, market, exposure);
        _addPosition(positionId, params, size, fill);
        _requireHealthy(params, market, size, fill, feedPrice);
        _announceOpening(positionId, params, size, fill, fee);
    }

    /// @notice Closes `sizeToClose` of the position (0 = all) at the fill price. Margin, size and
    /// funding of a partial close are settled pro rata. The close fee comes from the proceeds, as
    /// far as they go. A part worth less than nothing is closed with the whole or not at all.
    function closePosition(bytes16 positionId, uint256 sizeToClose) external {
        Position storage position = _positions[positionId];
        uint256 size = position.size;
        if (size == 0) revert NoPosition();
        if (position.trader != msg.sender) revert NotTheTrader();
        if (position.openedBlock == block.number) revert SameBlock();
        if (sizeToClose == 0) sizeToClose = size;
        if (sizeToClose > size) revert SizeTooLarge(size);

        Market storage market = _markets[_marketOf(position.netuid)];
        uint256 notionalMin = market.parameters.notionalMin;
        bool isWhole = sizeToClose == size;
        if (!isWhole && size - sizeToClose < notionalMin) {
            revert BelowNotionalMin(size - sizeToClose, notionalMin);
        }
        Closing memory closing = _close(positionId, position, market, sizeToClose);
        // Rounding alone can make a few wei of a healthy position worth less than nothing.
        if (!isWhole && _worth(closing) < 0) revert WorthLessThanNothing(_worth(closing));
        if (isWhole) {
            _announceClosing(positionId, position, closing);
            _removePosition(positionId, position);
        } else {
            position.margin -= uint96(closing.margin);
            position.size -= uint96(sizeToClose);
            _announceChange(positionId, position, closing);
        }
    }

    /// @notice The place of the on-chain order book, which is matched before the vault.
    function placeLimitOrder(LimitOrderParameters calldata) external pure returns (bytes16) {
        revert NotYetAvailable();
    }

    function cancelOrder(address, bytes16) external pure {
        revert NotYetAvailable();
    }

    function cancelAllOrders(address) external pure {
        revert NotYetAvailable();
    }

    function _close(bytes16 id, Position storage position, Market storage market, uint256 size)
        private
        returns (Closing memory closing)
    {
        address key = _marketOf(position.netuid);
        _accrue(key, market);
        closing.price = _fillPrice(key, !position.isLong, _tradingPrice(key, market));
        closing.margin = uint256(position.margin) * size / position.size;
        (closing.pnl, closing.fundingOwed) = _value(position, size, closing.price, market.index);
        int256 remaining = _worth(closing);
        uint256 fee = Arithmetic.feeOf(size, market.parameters.closeFeeBps);
        closing.fee = remaining > int256(fee) ? fee : remaining > 0 ? uint256(remaining) : 0;

        _release(position, closing.margin, size);
        _fundingLedger += closing.fundingOwed;
        (closing.paid, closing.claimed) = _settle(closing.margin, remaining - int256(closing.fee));
        _bookBadDebt(id, remaining);
        _creditFree(msg.sender, closing.paid);
        _bookClaim(msg.sender, closing.claimed);
    }

    /// @dev What is left of the part closed, before the fee.
    function _worth(Closing memory closing) private pure returns (int256) {
        return int256(closing.margin) + closing.pnl - closing.fundingOwed;
    }

    function _sizeOf(OpenParameters calldata params, MarketParameters storage parameters)
        private
        view
        returns (uint256 size)
    {
        if (params.leverage < Arithmetic.ONE || params.leverage > parameters.leverageMax) {
            revert LeverageOutOfRange(parameters.leverageMax);
        }
        size = params.margin * params.leverage / Arithmetic.ONE;
        if (size < parameters.notionalMin) revert BelowNotionalMin(size, parameters.notionalMin);
    }

    function _requireSlippage(OpenParameters calldata params, uint256 fill, uint256 feedPrice)
        private
        pure
    {
        uint256 worse = params.isLong ? fill - feedPrice : feedPrice - fill;
        // Divided, not multiplied: whoever wants no bound may pass the largest uint256.
        uint256 slippage = (worse * Arithmetic.BPS_ONE + feedPrice - 1) / feedPrice;
        if (slippage > params.maxSlippage) {
            revert SlippageExceeded(fill, feedPrice, params.maxSlippage);
        }
    }

    /// @dev Where feed and chain price are far apart a position could be born liquidatable.
    function _requireHealthy(
        OpenParameters calldata params,
        Market storage market,
        uint256 size,
        uint256 fill,
        uint256 feedPrice
    ) private view {
        int256 remaining =
            int256(params.margin) + Arithmetic.pnl(params.isLong, size, fill, feedPrice);
        if (Arithmetic.isLiquidatable(remaining, size, market.parameters.maintenanceBps)) {
            revert WouldBeLiquidatable(Arithmetic.ratioBps(remaining, size));
        }
    }

    function _announceOpening(
        bytes16 id,
        OpenParameters calldata params,
        uint256 size,
        uint256 fill,
        uint256 fee
    ) private {
        Position storage position = _positions[id];
        emit PositionOpened(
            id,
            msg.sender,
            params.market,
            position.sequence,
            params.isLong,
            params.margin,
            size,
            fill,
            position.entryIndex,
            fee
        );
    }

    function _announceChange(bytes16 id, Position storage position, Closing memory closing)
        private
    {
        emit PositionChanged(
            id,
            msg.sender,
            _marketOf(position.netuid),
            position.sequence,
            position.margin,
            position.size,
            closing.price,
            closing.pnl,
            closing.fundingOwed,
            closing.fee
        );
    }

    function _announceClosing(bytes16 id, Position storage position, Closing memory closing)
        private
    {
        emit PositionClosed(
            id,
            msg.sender,
            _marketOf(position.netuid),
            position.sequence,
            closing.price,
            closing.pnl,
            closing.fundingOwed,
            closing.fee,
            closing.paid,
            closing.claimed
        );
    }
}
