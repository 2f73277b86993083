// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

/// @title The formulas, and the one place where rounding is decided.
/// @notice Signed pnl and the funding index are floored, signed funding owed is ceiled, ratio and
/// penalty are floored, fees are ceiled. Solidity truncates toward zero, so signed division goes
/// through `floorDiv`; Python's `//` and `-((-a) // b)` then agree with it to the wei, and
/// `keepers/liquidation/margin.py` states the same rule.
/// @dev Casts are safe: sizes are below 2^96, prices and open interest below 2^128.
library Arithmetic {
    uint256 internal constant ONE = 1e18;
    uint256 internal constant BPS_ONE = 10_000;

    /// @dev `b` must be positive.
    function floorDiv(int256 a, int256 b) internal pure returns (int256 quotient) {
        quotient = a / b;
        if (a % b < 0) --quotient;
    }

    /// @dev `b` must be positive.
    function ceilDiv(int256 a, int256 b) internal pure returns (int256) {
        return -floorDiv(-a, b);
    }

    /// @notice `amount` × `bps` ÷ 10 000, ceiled: fees.
    function feeOf(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return (amount * bps + BPS_ONE - 1) / BPS_ONE;
    }

    /// @notice `amount` × `bps` ÷ 10 000, floored: penalty and shares.
    function shareOf(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS_ONE;
    }

    /// @notice ± size × (mark − entry) ÷ entry, floored.
    function pnl(bool isLong, uint256 size, uint256 entry, uint256 mark)
        internal
        pure
        returns (int256)
    {
        int256 move = isLong ? int256(mark) - int256(entry) : int256(entry) - int256(mark);
        return floorDiv(int256(size) * move, int256(entry));
    }

    /// @notice ± size × (index − entryIndex) ÷ 1e18, ceiled: a rising index costs longs.
    function fundingOwed(bool isLong, uint256 size, int256 entryIndex, int256 index)
        internal
        pure
        returns (int256)
    {
        int256 rise = isLong ? index - entryIndex : entryIndex - index;
        return ceilDiv(int256(size) * rise, int256(ONE));
    }

    /// @notice The rate of one interval: skew of the open interest × its maximum, floored.
    function fundingRate(uint256 long, uint256 short, uint256 rateMax)
        internal
        pure
        returns (int256)
    {
        if (long + short == 0) return 0;
        return floorDiv((int256(long) - int256(short)) * int256(rateMax), int256(long + short));
    }

    /// @notice How far the index moves in `elapsed` seconds, floored once.
    function fundingStep(
        uint256 long,
        uint256 short,
        uint256 rateMax,
        uint256 elapsed,
        uint256 interval
    ) internal pure returns (int256) {
        if (long + short == 0) return 0;
        int256 skew = int256(long) - int256(short);
        return floorDiv(skew * int256(rateMax * elapsed), int256((long + short) * interval));
    }

    /// @notice remaining ÷ size below maintenance, cross-multiplied.
    function isLiquidatable(int256 remaining, uint256 size, uint256 maintenanceBps)
        internal
        pure
        returns (bool)
    {
        return remaining * int256(BPS_ONE) < int256(size * maintenanceBps);
    }

    function ratioBps(int256 remaining, uint256 size) internal pure returns (int256) {
        return floorDiv(remaining * int256(BPS_ONE), int256(size));
    }
}
