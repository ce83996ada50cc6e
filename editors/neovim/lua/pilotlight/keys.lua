-- Insert-mode keys that take nothing away: without ghost text, each does what it did before.

local config = require('pilotlight.config')

local M = {}

---Action in `keys` -> <Plug> mapping.
local PLUGS = {
  accept = 'accept',
  accept_word = 'accept-word',
  accept_line = 'accept-line',
  next = 'next',
  previous = 'previous',
  dismiss = 'dismiss',
  suggest = 'suggest',
}

---@param action string
function M.plug(action)
  return ('<Plug>(pilotlight-%s)'):format(PLUGS[action])
end

---Whether the key is for us now. For the accept key, which others want too, an open popup menu and the next field of a snippet come first.
---@param action string
local function ours(action)
  if action == 'suggest' then
    return true
  elseif action == 'accept' and (vim.fn.pumvisible() == 1 or vim.snippet.active({ direction = 1 })) then
    return false
  end
  return require('pilotlight').visible()
end

---@param lhs string
---@param mappings table<string, any>[]
---@return table<string, any>? mapping the one of this key
function M.find(lhs, mappings)
  local raw = vim.keycode(lhs)
  return vim.iter(mappings):find(function(mapping)
    return mapping.lhsraw == raw or mapping.lhsrawalt == raw or mapping.lhs == lhs
  end)
end

---@param lhs string
---@return table<string, any> mapping as `maparg()` gives it; empty when there is none
local function global_mapping(lhs)
  local mapping = M.find(lhs, vim.api.nvim_get_keymap('i'))
  return mapping and vim.fn.maparg(mapping.lhs, 'i', false, true) or {}
end

---Whether a mapping is one of those that `M.map` makes.
---@param mapping table<string, any>
function M.is_ours(mapping)
  return vim.startswith(mapping.desc or '', 'Pilotlight: ')
end

---Maps the configured keys. What a key was mapped to is kept under a <Plug> of its own and runs when there is no ghost text. An Alt key that was
---mapped to nothing then does nothing (Neovim would leave insert mode and run the letter as a command).
function M.map()
  for action, lhs in pairs(config.options.keys or {}) do
    if lhs then
      local fallback = ('<Plug>(pilotlight-without-%s)'):format(action)
      local before = global_mapping(lhs)
      if not M.is_ours(before) then
        if next(before) then
          before.lhs, before.lhsrawalt = fallback, nil
          before.lhsraw = vim.api.nvim_replace_termcodes(fallback, true, true, true)
          vim.fn.mapset(before)
        else
          local itself = lhs:match('^<[MA]%-') and '<Ignore>' or lhs
          vim.keymap.set('i', fallback, itself, { desc = 'Pilotlight: the key itself' })
        end
        vim.keymap.set('i', lhs, function()
          return ours(action) and M.plug(action) or fallback
        end, { expr = true, remap = true, desc = 'Pilotlight: ' .. PLUGS[action]:gsub('-', ' ') })
      end
    end
  end
end

return M
