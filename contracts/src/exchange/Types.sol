// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

// The exchange's vocabulary. Amounts in wei of TAO, prices 1e18 TAO per Alpha, leverage 1e18 = 1x,
// ratios in basis points, durations in seconds.

/// @notice What became of one id handed to `liquidate`.
enum Outcome {
    Liquidated,
    Healthy,
    Closed,
    Stale,
    Suspended,
    Gas
}

/// @notice What became of one market handed to `accrueFunding`.
enum Accrual {
    Accrued,
    NotElapsed,
    UnknownMarket
}

/// @notice Why no position can be opened now. Only Guardian is a switch; the other two hold as
/// long as their condition holds.
enum OpeningPause {
    None,
    Guardian,
    Breaker,
    BadDebt
}

/// @param fundingRateMax the rate of one interval when all open interest is on one side, 1e18 = 100 %
/// @param fundingCap what has elapsed beyond this is forfeited
/// @param tradingAgeMax the oldest price that may open or close a position
/// @param liquidationAgeMax the oldest price that may liquidate one
/// @param exposureMaxBps the largest net open interest of the market, of the vault's reserves
struct MarketParameters {
    uint256 leverageMax;
    uint256 openFeeBps;
    uint256 closeFeeBps;
    uint256 maintenanceBps;
    uint256 penaltyBps;
    uint256 keeperShareBps;
    uint256 fundingRateMax;
    uint256 fundingInterval;
    uint256 fundingCap;
    uint256 notionalMin;
    uint256 tradingAgeMax;
    uint256 liquidationAgeMax;
    uint256 exposureMaxBps;
}

/// @notice Utilisation = sum over the markets of their net open interest ÷ the vault's reserves.
/// @param utilisationMaxBps no opening may raise utilisation above this
/// @param breakerBps at this utilisation nothing opens at all
/// @param withdrawalReserveBps the part of the reserves one withdrawal must leave
/// @param badDebtPauseBps nothing opens once all bad debt so far passes this part of the reserves
/// @param slippageLowBps the slippage step below `utilisationMediumBps`
/// @param slippageMediumBps the step from `utilisationMediumBps` on
/// @param slippageHighBps the step from `utilisationHighBps` on
/// @param depositCapGlobal the most that all free balances and margins together may reach by a
/// deposit; the largest uint256 lifts the cap
/// @param depositCapAccount the same for one account
struct VaultLimits {
    uint256 utilisationMaxBps;
    uint256 breakerBps;
    uint256 withdrawalReserveBps;
    uint256 badDebtPauseBps;
    uint256 slippageLowBps;
    uint256 slippageMediumBps;
    uint256 slippageHighBps;
    uint256 utilisationMediumBps;
    uint256 utilisationHighBps;
    uint256 depositCapGlobal;
    uint256 depositCapAccount;
}

/// @param maxSlippage basis points that the fill may be worse than the feed price
struct OpenParameters {
    address market;
    bool isLong;
    uint256 margin;
    uint256 leverage;
    uint256 maxSlippage;
}

/// @param reduceOnlyType 0 normal, 1 take-profit, 2 stop-loss
struct LimitOrderParameters {
    address market;
    bool isBuy;
    uint256 margin;
    uint256 leverage;
    uint256 price;
    uint8 reduceOnlyType;
}

/// @dev Storage. The first slot outlives the position: it counts the openings of the id.
struct Position {
    address trader;
    uint16 netuid;
    bool isLong;
    uint40 openedBlock;
    uint32 sequence;
    uint96 margin;
    uint96 size;
    uint64 listIndex;
    uint128 entryPrice;
    int128 entryIndex;
}

/// @dev Storage. `index` is as of `lastAccrual`.
struct Market {
    uint128 longOpenInterest;
    uint128 shortOpenInterest;
    int128 index;
    uint40 lastAccrual;
    bool listed;
    MarketParameters parameters;
}

/// @dev Storage. `margin` is the sum of the account's open positions' margins.
struct Account {
    uint96 free;
    uint96 margin;
    uint64 positions;
}

/// @notice One open position; `size` (notional at entry) 0 = there is none under this id.
struct PositionView {
    bytes16 id;
    uint64 sequence;
    address trader;
    address market;
    bool isLong;
    uint256 margin;
    uint256 size;
    uint256 entryPrice;
    int256 entryIndex;
}

/// @notice One market at this block: the feed's row, the open interest, and the funding index as
/// stored at `lastAccrual` and as projected to the block's timestamp. `rate` is that of a whole
/// interval at the present open interest.
struct MarketView {
    address market;
    bool listed;
    uint256 price;
    uint64 sourceBlock;
    uint64 sourceTime;
    uint64 suspendedAt;
    uint8 suspension;
    uint256 longOpenInterest;
    uint256 shortOpenInterest;
    int256 index;
    int256 indexNow;
    uint64 lastAccrual;
    int256 rate;
    MarketParameters parameters;
}

/// @notice A position valued at the feed price and the index projected to the block's timestamp.
/// `wouldBe` is what `liquidate` would answer; the figures are 0 where there is no position or no
/// price, and say what they say where the price is stale or suspended.
struct MarginView {
    uint64 sequence;
    int256 remaining;
    uint256 size;
    int256 ratioBps;
    bool liquidatable;
    Outcome wouldBe;
}

/// @notice The books of the exchange:
/// freeBalances + margins + claimsFunded + reserves + insurance + keeperRewards = its TAO.
/// @param claims owed to traders and not paid yet, of which `claimsFunded` lies ready
/// @param badDebt all bad debt so far, of which insurance did not cover `badDebtUncovered`
/// @param fundingLedger funding that positions have paid the vault so far, less what it paid them
/// @param utilisationBps the largest uint256 when there is exposure and no reserve
struct VaultView {
    uint256 reserves;
    uint256 insurance;
    uint256 freeBalances;
    uint256 margins;
    uint256 claims;
    uint256 claimsFunded;
    uint256 keeperRewards;
    uint256 badDebt;
    uint256 badDebtUncovered;
    int256 fundingLedger;
    uint256 exposure;
    uint256 utilisationBps;
    bool openingPaused;
    OpeningPause openingPause;
}
